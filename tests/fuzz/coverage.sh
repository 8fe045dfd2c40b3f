#!/bin/sh
# Line coverage of the readers by the committed inputs, build/fuzz/corpus and their unit tests: a build
# of its own with clang's source-based coverage. Prints a line per file and the total.
#   tests/fuzz/coverage.sh
set -eu
cd "$(dirname "$0")/../.."
build=build/coverage
profiles=$PWD/$build/profiles

flags='-O1 -g -fprofile-instr-generate -fcoverage-mapping'
cmake -S . -B "$build" -G Ninja -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ \
  -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_CXX_FLAGS_RELWITHDEBINFO="$flags" \
  -DCMAKE_SHARED_LINKER_FLAGS=-fprofile-instr-generate -DNEMO_DEVELOPER=ON -DNEMO_EXAMPLES=OFF \
  -DNEMO_COVERAGE=ON -DCMAKE_COMPILE_WARNING_AS_ERROR=OFF > /dev/null
tests='base_test bpe_test gguf_test safetensors_test json_value_test byte_reader_test formats_test
  hostile_files_test tokenizer_test saved_session_test convert_test chat_test
  hub_listing_test hub_choose_files_test hub_names_test hub_url_test'
replays='gguf safetensors config_json tokenizer_json session imatrix chat hub'
cmake --build "$build" -j "$(nproc)" --target $tests $(printf 'replay_%s ' $replays)

rm -rf "$profiles"
mkdir -p "$profiles"
objects=
for name in $tests; do
  only=
  [ "$name" = convert_test ] && only='[#importance_matrix_test]'
  LLVM_PROFILE_FILE="$profiles/$name.profraw" "$build/tests/$name" -# $only > /dev/null
  objects="$objects -object $build/tests/$name"
done
for target in $replays; do
  folders=tests/fuzz/seeds/$target
  [ -d "build/fuzz/corpus/$target" ] && folders="$folders build/fuzz/corpus/$target"
  LLVM_PROFILE_FILE="$profiles/replay_$target.profraw" "$build/tests/replay_$target" $folders
  objects="$objects -object $build/tests/replay_$target"
done
llvm-profdata merge -sparse "$profiles"/*.profraw -o "$profiles/all.profdata"

# The readers, however the compiler was told their paths.
readers='lib/gguf/(gguf|gguf_file|gguf_value|ggml_types)|lib/safetensors/safetensors
  |lib/json/json_(parser|value)|lib/io/(byte_reader|memory_source)|lib/bpe/(byte_alphabet|token_table)
  |src/formats/[a-z_]*|src/tokenizer/(tokenizer_json|json_scalars|tokenizer_build)
  |src/session/(saved_format|saved_options|restore_session)|src/convert/importance_matrix
  |src/chat/(caller_json|chat_messages|tools_block|reply_parser|tool_call)
  |lib/hub/(listing|choose_files|names|refusal|url)'
llvm-cov report "$build/lib/libnemotron.so" $objects -instr-profile="$profiles/all.profdata" |
  awk -v readers="/?($(echo "$readers" | tr -d '\n '))[.]cpp$" '
    $1 ~ readers && $1 !~ "tests/" { printf "%-40s %5d lines %6.2f %%\n", $1, $8, 100 * (1 - $9 / $8); n += $8; missed += $9 }
    END { printf "%-40s %5d lines %6.2f %%\n", "all", n, 100 * (1 - missed / n) }'
