#!/bin/sh
# Formatter and linter over our own C++; any finding fails. The public headers and the examples in C
# are laid out by hand.
#   cmake/scripts/lint.sh [build folder with compile_commands.json, default: build]
set -eu
cd "$(dirname "$0")/../.."
build=${1:-build}
if [ ! -f "$build/compile_commands.json" ]; then
  echo "lint: $build/compile_commands.json is missing: configure first" >&2
  exit 1
fi

echo "lint: clang-format"
find lib src kernels tests examples -type f \( -name '*.cpp' -o -name '*.h' -o -name '*.cu' -o -name '*.cuh' \) -print0 |
  xargs -0 clang-format --dry-run -Werror

echo "lint: clang-tidy"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# The CUDA module includes what is only there where a CUDA Toolkit is.
if ! find lib src kernels -name '*.cpp' ! -path '*/cuda/module/*' -print0 |
     xargs -0 -P "$(nproc)" -n 4 clang-tidy --quiet -p "$build" > "$log" 2> /dev/null; then
  cat "$log" >&2
  exit 1
fi
echo "lint: no findings"
