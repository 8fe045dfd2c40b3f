#!/usr/bin/env bash
# From a fresh clone on Debian 12 to a conversation: installs the packages that are missing, builds
# the library and the nemotron command in build/, and lets the demo model turn off a light.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cmake/scripts/install_packages.sh g++ cmake ninja-build libeigen3-dev nlohmann-json3-dev \
  libcli11-dev libxxhash-dev libcurl4-openssl-dev libssl-dev

echo "Building in build/"
cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=Release > /dev/null
cmake --build build

models=(examples/demo-model/*.gguf)
ask=(build/bin/nemotron run "${models[0]}" --tools examples/demo-model/tools.json --temp 0 -n 400)
result='{"success": true}'

echo
echo "You:  Turn off the kitchen light"
echo "(the home answers each tool call with $result)"
echo
"${ask[@]}" -p "Turn off the kitchen light" --tool-result "$result" --tool-result "$result"
echo
echo "Now you:  ${ask[*]}"
