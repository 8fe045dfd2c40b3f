#!/bin/sh
# Builds the fuzz targets (preset `fuzz`) and runs each for some time, two at a time; fails on any
# finding. New inputs go to build/fuzz/corpus, findings to build/fuzz/findings.
#   tests/fuzz/run.sh [seconds of each, default 60] [targets, default all]
set -eu
cd "$(dirname "$0")/../.."
seconds=${1:-60}
[ $# -gt 0 ] && shift
[ $# -gt 0 ] || set -- gguf safetensors config_json tokenizer_json session imatrix chat hub
build=build/fuzz

cmake --preset fuzz > /dev/null
cmake --build --preset fuzz -j "$(nproc)"

# The longest input, in bytes: twice the largest seed. A file of this size may make us allocate 64
# MiB at once and 1 GiB in all, the sanitizers' own memory and the kept inputs included, and take
# ten seconds.
run() {
  mkdir -p "$build/corpus/$1" "$build/findings"
  case $1 in
    gguf | imatrix | session) dictionary=tests/fuzz/gguf.dict ;;
    safetensors) dictionary=tests/fuzz/safetensors.dict ;;
    *) dictionary=tests/fuzz/json.dict ;;
  esac
  "$build/bin/fuzz_$1" -seed=1 -max_total_time="$seconds" -max_len=16384 -timeout=10 \
    -rss_limit_mb=1024 -malloc_limit_mb=64 -dict="$dictionary" -print_final_stats=1 \
    -artifact_prefix="$build/findings/$1-" "$build/corpus/$1" "tests/fuzz/seeds/$1" \
    > "$build/$1.log" 2>&1
}

# Waits for the targets that run, "name:pid name:pid"; says what each did.
failed=0
finish() {
  for job in $1; do
    name=${job%%:*}
    if wait "${job##*:}"; then
      echo "fuzz: $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$build/$name.log")" \
           "executions in $seconds s, no finding"
    else
      failed=1
      echo "fuzz: $name FAILED; the input lies in $build/findings" >&2
      tail -n 60 "$build/$name.log" >&2
    fi
  done
}

jobs=
for target in "$@"; do
  run "$target" &
  jobs="$jobs $target:$!"
  if [ "$(echo $jobs | wc -w)" -eq 2 ]; then
    finish "$jobs"
    jobs=
  fi
done
finish "$jobs"
exit $failed
