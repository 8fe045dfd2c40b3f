#!/bin/sh
# pull_command_test.sh COMMAND HUB_SERVER DEMO_MODEL_FOLDER: nemotron pull and hf: against a hub on
# loopback: download, run, interrupt, kill, go on.
set -eu
nemotron=$1
server=$2
folder=$3
work=$(mktemp -d)
server_id=
stop_server() { [ -z "$server_id" ] || kill "$server_id" 2> /dev/null || true; server_id=; }
trap 'stop_server; rm -rf "$work"' EXIT

fail() {
  echo "FAILED: $*" >&2
  exit 1
}
expect_exit() {
  expected=$1
  shift
  code=0
  "$@" > "$work/out" 2> "$work/err" < /dev/null || code=$?
  [ "$code" -eq "$expected" ] || fail "exit code $code, not $expected: $* ($(cat "$work/err"))"
}
# start_server [BYTES_PER_SECOND]
start_server() {
  stop_server
  : > "$work/endpoint"
  "$server" "$folder" "$@" > "$work/endpoint" &
  server_id=$!
  while [ ! -s "$work/endpoint" ]; do sleep 0.05; done
  HF_ENDPOINT=$(cat "$work/endpoint")
}

unset HF_TOKEN HF_HUB_CACHE HUGGINGFACE_HUB_CACHE HF_HUB_OFFLINE 2> /dev/null || true
export HF_ENDPOINT HF_HOME="$work/home" no_proxy=127.0.0.1
gguf=$(basename "$folder"/*.gguf)
store=$HF_HOME/hub/models--org--model
ask="-p Hello -n 8 --seed 3 --thinking off"
expect_exit 0 "$nemotron" run "$folder/$gguf" $ask
[ -s "$work/out" ] || fail "no answer to compare with"
mv "$work/out" "$work/expected"

start_server
expect_exit 1 "$nemotron" pull org/model # a GGUF file and safetensors: it says which
grep -q "$gguf" "$work/err" || fail "no choice is offered"
expect_exit 1 "$nemotron" pull org/other
expect_exit 1 "$nemotron" pull ../x
expect_exit 2 "$nemotron" pull
[ ! -e "$HF_HOME" ] || fail "a failed pull left something"

expect_exit 0 "$nemotron" pull "org/model:$gguf"
path=$(cat "$work/out")
cmp -s "$path" "$folder/$gguf" || fail "the file differs"
expect_exit 0 "$nemotron" pull hf:org/model:model.safetensors org/model:q8_0
cmp -s "$(head -n 1 "$work/out")" "$folder/model.safetensors" || fail "the safetensors file differs"
[ "$(tail -n 1 "$work/out")" = "$path" ] || fail "a word of the name finds another file"
expect_exit 0 "$nemotron" run hf:org/model:model.safetensors $ask
rm -rf "$HF_HOME"

# Nothing is in the cache: pulled, and then run. Then it is: no server is needed.
expect_exit 0 "$nemotron" run "hf:org/model:$gguf" $ask
cmp -s "$work/out" "$work/expected" || fail "the pulled model answers something else"
stop_server
for model in hf:org/model "hf:org/model:$gguf" hf:org/model:Q8_0; do
  expect_exit 0 "$nemotron" run "$model" $ask
  cmp -s "$work/out" "$work/expected" || fail "$model answers something else"
done
expect_exit 0 "$nemotron" inspect hf:org/model
expect_exit 0 env HF_HUB_OFFLINE=1 "$nemotron" pull org/model
expect_exit 1 env HF_HUB_OFFLINE=1 "$nemotron" pull org/other
rm -rf "$HF_HOME"

# Ended in the middle, by kill and by ^C: no file under a final name, and the next one goes on.
start_server 2000000
for signal in KILL INT; do
  "$nemotron" pull "org/model:$gguf" > "$work/out" 2> "$work/err" &
  pull_id=$!
  n_tries=0
  before=$(cat "$store"/blobs/*.incomplete 2> /dev/null | wc -c)
  while [ "$(cat "$store"/blobs/*.incomplete 2> /dev/null | wc -c)" -lt $((before + 500000)) ]; do
    n_tries=$((n_tries + 1))
    [ "$n_tries" -lt 200 ] || fail "no download begins"
    sleep 0.05
  done
  kill -s "$signal" "$pull_id"
  code=0
  wait "$pull_id" 2> /dev/null || code=$?
  [ "$code" -ne 0 ] || fail "$signal does not end the pull"
  [ ! -e "$store/snapshots" ] || fail "$signal leaves a snapshot"
  [ "$(find "$store/blobs" -type f ! -name '*.incomplete' | wc -l)" -eq 0 ] || fail "$signal leaves a file"
done
[ "$(cat "$store"/blobs/*.incomplete | wc -c)" -ge 1000000 ] || fail "^C threw away what had come"
grep -q interrupted "$work/err" || fail "^C says nothing"
start_server
expect_exit 0 "$nemotron" pull "org/model:$gguf"
cmp -s "$(cat "$work/out")" "$folder/$gguf" || fail "a file in three pieces differs"
[ "$(find "$store/blobs" -name '*.incomplete' | wc -l)" -eq 0 ] || fail "a part is left"
echo "nemotron pull does what it says"
