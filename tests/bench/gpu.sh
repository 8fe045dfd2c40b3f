#!/bin/sh
# What a machine with an NVIDIA GPU can tell, in one go: devices, the tests that need one, and speed beside the CPU.
# Results are written after each stage. It runs what was built before, elsewhere or here:
#   cmake --preset release && cmake --build --preset release
#   tests/bench/gpu.sh [build folder] [MODEL for the speed] [results folder]
# Not yet run on a device.
set -eu
cd "$(dirname "$0")/../.."
build=${1:-build}
model=${2:-examples/demo-model}
results=${3:-$build/gpu_results}
mkdir -p "$results"
nemotron=$build/bin/nemotron
failed=0

stage() {  # stage NAME COMMAND...: its output goes to NAME.txt
  name=$1
  shift
  printf '== %s\n' "$name"
  if "$@" > "$results/$name.txt" 2>&1; then
    tail -n 12 "$results/$name.txt"
  else
    failed=1
    tail -n 40 "$results/$name.txt"
  fi
}

stage devices "$nemotron" devices
if ! grep -q '^cuda:.*  usable' "$results/devices.txt"; then
  echo "no usable CUDA device: nothing more to run"
  exit 1
fi
stage selftest "$nemotron" devices --selftest
stage driver sh -c 'nvidia-smi || true'
stage tests "$build/tests/cuda_gpu_test" --durations yes
stage sanitizer sh -c "command -v compute-sanitizer > /dev/null || { echo 'no compute-sanitizer'; exit 0; }
  compute-sanitizer --error-exitcode 9 '$build/tests/cuda_gpu_test' 'on a device how*'"
stage bench_cuda "$nemotron" bench "$model" --device cuda
stage bench_cpu "$nemotron" bench "$model"
exit $failed
