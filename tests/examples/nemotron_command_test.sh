#!/bin/sh
# nemotron_command_test.sh COMMAND DEMO_MODEL_FOLDER: each subcommand once, and its ways to fail.
set -eu
nemotron=$1
folder=$2
model=$(echo "$folder"/*.gguf)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "FAILED: $*" >&2
  exit 1
}
# expect_exit CODE COMMAND...: and something on standard error unless CODE is 0
expect_exit() {
  expected=$1
  shift
  code=0
  "$@" > "$work/out" 2> "$work/err" < /dev/null || code=$?
  [ "$code" -eq "$expected" ] || fail "exit code $code, not $expected: $* ($(cat "$work/err"))"
  [ "$code" -eq 0 ] || [ -s "$work/err" ] || fail "no message: $*"
}

expect_exit 0 "$nemotron" --version
grep -q "isa chosen" "$work/out" || fail "--version says nothing of the build"
expect_exit 0 "$nemotron" devices --selftest
grep -q "^cpu:0  usable" "$work/out" || fail "devices does not list the CPU"
grep -q "^cuda:0" "$work/out" || fail "devices says nothing of CUDA"
if grep -q "^cuda:0  not usable" "$work/out"; then
  expect_exit 1 "$nemotron" run "$model" -p Hello --device cuda
  grep -q NEMO_E_NO_DEVICE "$work/err" || fail "no reason why there is no GPU: $(cat "$work/err")"
fi
expect_exit 0 "$nemotron" run --help
expect_exit 2 "$nemotron"
expect_exit 2 "$nemotron" dance
expect_exit 2 "$nemotron" run
expect_exit 2 "$nemotron" run "$model" --thinking maybe
expect_exit 1 "$nemotron" inspect "$work/nothing.gguf"
expect_exit 1 "$nemotron" inspect "$folder/tools.json"

for source in "$model" "$folder/model.safetensors"; do
  expect_exit 0 "$nemotron" inspect "$source"
  grep -q "^layers .*M" "$work/out" || fail "inspect shows no layers"
  expect_exit 0 "$nemotron" inspect "$source" --sessions 4 --context 100 --kv-type q8 --snapshots 0
  grep -q "memory with 4 sessions of 100 tokens" "$work/out" || fail "inspect plans no memory"
  grep -q "B  4 times keys and values" "$work/out" || fail "inspect shows no keys and values"
  expect_exit 0 "$nemotron" inspect "$source" --mapped
  grep -q "of the file, mapped" "$work/out" || fail "inspect --mapped shows nothing mapped"
  expect_exit 1 "$nemotron" inspect "$source" --context 100000
done

text='Turn off the light, s'\''il vous plaît! <|im_end|>'
printf '%s' "$text" | "$nemotron" tokenize "$model" > "$work/ids"
"$nemotron" tokenize "$model" --decode < "$work/ids" > "$work/text"
[ "$(cat "$work/text")" = "$text" ] || fail "tokenize and --decode are no round trip"
[ "$(printf '<|im_end|>' | "$nemotron" tokenize "$model" --special)" = 11 ] || fail "--special"
[ "$(printf "'da" | "$nemotron" tokenize "$model" | wc -w)" -eq 2 ] || fail "pieces of 'da"
[ "$(printf "'da" | "$nemotron" tokenize "$model" --llama3-split | wc -w)" -eq 3 ] ||
  fail "--llama3-split cuts as without"

expect_exit 0 "$nemotron" logits "$model" --tokens "$work/ids" --output "$work/logits"
n_vocab=$("$nemotron" inspect "$model" | sed -n 's/^vocabulary *\([0-9]*\) .*/\1/p')
n_tokens=$(wc -w < "$work/ids")
[ "$(wc -c < "$work/logits")" -eq $((4 * n_vocab * n_tokens)) ] || fail "size of the logits"
expect_exit 1 "$nemotron" logits "$model" --tokens "$work/text" --output "$work/logits"
echo 99999999 > "$work/bad"
expect_exit 1 "$nemotron" logits "$model" --tokens "$work/bad" --output "$work/logits"

ask="-p Hello -n 8 --seed 3"
expect_exit 0 "$nemotron" run "$model" $ask
mv "$work/out" "$work/first"
expect_exit 0 "$nemotron" run "$model" $ask --mapped
cmp -s "$work/out" "$work/first" || fail "with --mapped the answer is another one"
expect_exit 0 "$nemotron" run "$model" $ask --threads 1
cmp -s "$work/first" "$work/out" || fail "threads change the answer"
expect_exit 0 "$nemotron" run "$model" --raw $ask --temp 0.7 --top-k 20 --top-p 0.9
expect_exit 0 "$nemotron" run "$model" --ids "$work/ids" -n 4
expect_exit 0 "$nemotron" run "$folder" --tools "$folder/tools.json" $ask --tool-result ok
expect_exit 1 "$nemotron" run "$model" --tools "$work/ids" $ask
expect_exit 1 "$nemotron" run "$model" $ask --temp 1 --top-p 0
printf 'Hello\n/new\nHello\n/exit\n' | "$nemotron" run "$model" -n 4 --thinking off > "$work/out" 2> "$work/err"
[ "$(grep -c 'prompt tokens' "$work/err")" -eq 2 ] || fail "a conversation of two turns"

expect_exit 0 "$nemotron" synth --shape tiny --type bf16 --seed 4 -o "$work/random"
grep -q "MiB of tensors" "$work/err" || fail "synth says nothing of what it wrote"
expect_exit 0 "$nemotron" quantize "$work/random" "$work/random.gguf" --type q4_k_m
cp "$folder/chat_template.jinja" "$work/text"
expect_exit 0 "$nemotron" imatrix "$folder/model.safetensors" "$work/text" -o "$work/imatrix.gguf" --chunk 32
grep -q "tokens in" "$work/err" || fail "imatrix says nothing of what it read"
expect_exit 0 "$nemotron" quantize "$folder/model.safetensors" "$work/weighed.gguf" --type q4_0 --imatrix "$work/imatrix.gguf"
expect_exit 0 "$nemotron" inspect "$work/weighed.gguf"
grep -q "Q4_0" "$work/out" || fail "quantize made no Q4_0"
expect_exit 0 "$nemotron" quantize "$folder/model.safetensors" "$work/fp8" --type fp8 --imatrix "$work/imatrix.gguf"
[ -e "$work/fp8/hf_quant_config.json" ] || fail "quantize made no FP8 in ModelOpt's layout"
echo "Turn off the kitchen light" | "$nemotron" tokenize "$work/fp8" > "$work/ids_fp8" || fail "no tokenizer"
expect_exit 1 "$nemotron" quantize "$work/random" "$work/x" --imatrix "$work/imatrix.gguf" # of another model
expect_exit 1 "$nemotron" imatrix "$work/random" "$work/text" -o "$work/x" # no tokenizer
expect_exit 1 "$nemotron" imatrix "$folder/model.safetensors" "$work/nowhere" -o "$work/x"
expect_exit 2 "$nemotron" imatrix "$folder/model.safetensors" "$work/text"
echo 1 2 3 > "$work/few"
expect_exit 0 "$nemotron" logits "$work/random.gguf" --tokens "$work/few" --output "$work/logits"
expect_exit 0 "$nemotron" inspect "$work/random.gguf"
grep -q "Q6_K" "$work/out" || fail "quantize made no Q4_K_M"
expect_exit 1 "$nemotron" synth --shape tiny --type bf16 -o "$work/random"
expect_exit 1 "$nemotron" synth --shape tiny --type bf16 --tokenizer "$folder" -o "$work/x" # too large
expect_exit 1 "$nemotron" synth --shape huge -o "$work/x"
expect_exit 1 "$nemotron" quantize "$work/random" "$work/x" --type q9
expect_exit 1 "$nemotron" quantize "$work/ids" "$work/x"
expect_exit 2 "$nemotron" synth --shape tiny
[ ! -e "$work/x" ] || fail "a failed command left a file"
expect_exit 0 "$nemotron" bench "$work/random.gguf" --prompt 9 --generate 3 --depth 5 --repeat 2 --threads 1 --json
for key in load_s read_bytes_per_s prefill decode tokens_per_s bytes_per_token by_operation; do
  grep -q "\"$key\"" "$work/out" || fail "bench says nothing of $key"
done
expect_exit 0 "$nemotron" bench "$work/random.gguf" --prompt 0 --generate 1 --repeat 1
grep -q "^  linear Q.* of limit$" "$work/out" || fail "bench says nothing of products"
grep -q "^decode " "$work/out" || fail "bench prints no line for decode"
! grep -q "^prefill" "$work/out" || fail "bench measured a prompt of no tokens"
expect_exit 1 "$nemotron" bench "$work/random.gguf" --repeat 0
expect_exit 0 "$nemotron" bench "$folder" --prompt 0 --generate 0 --prefix 128 --turn 9 --repeat 1 --json
grep -q '"first_token_ms"' "$work/out" || fail "bench says nothing of a turn behind a prefix"
expect_exit 0 "$nemotron" bench "$folder" --prompt 0 --generate 1 --depths 1024 --repeat 1
grep -q "^at *512 tokens" "$work/out" && grep -q "^at *1024 tokens" "$work/out" || fail "bench says nothing of depths"
expect_exit 1 "$nemotron" bench "$folder" --prompt 0 --generate 0 --prefix 128 --turn 0
echo "the command does what it says"
