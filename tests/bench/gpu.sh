#!/bin/sh
# What a machine with an NVIDIA GPU can tell, in one go, in the order of what matters: devices, the self-test (every
# operation against the CPU, plain and fast kernels timed), the tests that need a GPU, speed, profiles. Results are
# written after each stage, so that whatever ends it loses only what comes after. It needs an NVIDIA driver, and what
# was built before, here or elsewhere:
#   cmake --preset release && cmake --build --preset release
#   tests/bench/gpu.sh [build folder] [results folder] [folder with llama.cpp's binaries, built for CUDA]
# GPU_SECONDS (540) is what all of it may take; GPU_SHAPE (4b) the shape of the random weights, made here; GPU_DEVICE
# (cuda) where it computes: with "cpu" and "tiny" the script itself can be tried, but for several sessions, which need a
# tokenizer that the tiny shape has not.
# Not yet run on a device.
set -eu
cd "$(dirname "$0")/../.."
build=${1:-build}
results=${2:-$build/gpu_results}
llama=${3:-}
shape=${GPU_SHAPE:-4b}
device=${GPU_DEVICE:-cuda}
end=$(($(date +%s) + ${GPU_SECONDS:-540}))
nemotron=$build/bin/nemotron
tokenizer="--tokenizer examples/demo-model"
[ "$shape" != tiny ] || tokenizer=
models=$(mktemp -d)
trap 'rm -rf "$models"' EXIT
mkdir -p "$results"
failed=0

# stage NAME SECONDS COMMAND...: at most so long, and no longer than is left; its output goes to NAME.txt.
stage() {
  name=$1
  seconds=$2
  shift 2
  left=$((end - $(date +%s)))
  [ "$seconds" -le "$left" ] || seconds=$left
  if [ "$seconds" -le 0 ]; then
    printf '== %s: no time left\n' "$name"
    return 0
  fi
  printf '== %s\n' "$name"
  status=0
  timeout "$seconds" "$@" > "$results/$name.txt" 2>&1 || status=$?
  if [ "$status" -eq 0 ]; then
    tail -n 12 "$results/$name.txt"
  else
    failed=1
    tail -n 40 "$results/$name.txt"
    printf '%s ended with %s\n' "$name" "$status"
  fi
}

bench() {  # bench NAME MODEL OPTIONS...: JSON, with the time of each operation
  name=$1
  model=$2
  shift 2
  stage "bench_$name" 60 "$nemotron" bench "$model" --device "$device" --repeat 3 --json "$@"
}

stage devices 20 "$nemotron" devices
if [ "$device" = cuda ]; then
  if ! grep -q '^cuda:.*  usable' "$results/devices.txt"; then
    echo "no usable CUDA device: nothing more to run"
    exit 1
  fi
  stage machine 20 sh -c 'nvidia-smi || true'
  stage selftest 90 "$nemotron" devices --selftest
fi
stage tests 120 "$build/tests/cuda_gpu_test" --durations yes

# Random weights: their speed is that of real ones.
for type in bf16 q4_k_m fp8; do
  stage "synth_$type" 60 "$nemotron" synth --shape "$shape" --type "$type" $tokenizer -o "$models/$type"
done
for type in bf16 fp8 q4_k_m; do
  [ -e "$models/$type" ] || continue
  bench "$type" "$models/$type" --prompt 512 --generate 64
  if [ -n "$tokenizer" ]; then
    bench "${type}_sessions_8" "$models/$type" --prompt 0 --generate 32 --sessions 8
    bench "${type}_sessions_64" "$models/$type" --prompt 0 --generate 32 --sessions 64
  fi
  bench "${type}_prompt_8k" "$models/$type" --prompt 8192 --generate 0
done
[ ! -e "$models/bf16" ] || bench bf16_depth "$models/bf16" --prompt 0 --generate 16 --depth 131072
if [ -n "$llama" ] && [ -e "$models/q4_k_m" ]; then
  stage llama 90 env LD_LIBRARY_PATH="$llama" "$llama/llama-bench" -m "$models/q4_k_m" -ngl 99 -p 512 -n 64 -r 3
fi
stage sanitizer 120 sh -c "command -v compute-sanitizer > /dev/null || { echo 'no compute-sanitizer'; exit 0; }
  compute-sanitizer --error-exitcode 9 '$build/tests/cuda_gpu_test' 'on a device how*'"
stage ncu 60 sh -c "command -v ncu > /dev/null || { echo 'no ncu'; exit 0; }
  ncu --launch-skip 400 --launch-count 40 '$nemotron' bench '$models/q4_k_m' --device '$device' --prompt 0 --generate 4 \
    --repeat 1 || true"
exit $failed
