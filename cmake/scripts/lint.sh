#!/bin/sh
# Formatter and linter over our own C++; any finding fails. The public headers and the examples in C
# are laid out by hand.
#   cmake/scripts/lint.sh [folder that gets a subfolder for it, default: build]
set -eu
cd "$(dirname "$0")/../.."
build=${1:-build}/lint
# The files of a component are read as one (NEMO_UNITY): most of the time goes into what they include.
cmake --preset release -B "$build" -D NEMO_UNITY=ON > /dev/null

echo "lint: clang-format"
find lib src kernels tests examples -type f \( -name '*.cpp' -o -name '*.h' -o -name '*.cu' -o -name '*.cuh' \) -print0 |
  xargs -0 clang-format --dry-run -Werror

echo "lint: clang-tidy"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sed -n 's/^ *"file": "\(.*\/Unity\/.*\)",\{0,1\}$/\1/p' "$build/compile_commands.json" > "$work/joined"
xargs -d '\n' sed -n 's/^#include "\(.*\)"$/\1/p' < "$work/joined" > "$work/in_joined"
# The CUDA module includes what is only there where a CUDA Toolkit is.
find "$PWD/lib" "$PWD/src" "$PWD/kernels" -name '*.cpp' ! -path '*/cuda/module/*' |
  grep -v -x -F -f "$work/in_joined" > "$work/alone"
# A finding in a file that is included is one in a header.
if ! cat "$work/joined" "$work/alone" |
     xargs -d '\n' -P "$(nproc)" -n 1 clang-tidy --quiet -p "$build" --config-file=.clang-tidy \
       --extra-arg=-Wno-unknown-warning-option --header-filter='/include_roots/|/(lib|src)/.*\.cpp$' \
       > "$work/log" 2> /dev/null; then
  cat "$work/log" >&2
  exit 1
fi
echo "lint: no findings"
