#include "formats/fingerprint.h"

#include <algorithm>
#include <numeric>
#include <string_view>
#include <type_traits>

#include "io/checksum.h"

namespace nemotron {

namespace {

constexpr std::uint64_t kBytesPerTensor = 64 << 10;

class Hasher {
 public:
  // Texts with their lengths, so that no two lists of values give the same bytes.
  void add(std::string_view text) {
    add(static_cast<std::uint64_t>(text.size()));
    checksum_.update(std::as_bytes(std::span(text)));
  }
  template <typename Number>
  requires(std::is_arithmetic_v<Number>) void add(Number number) {
    checksum_.update(std::as_bytes(std::span(&number, 1)));
  }
  void add(std::span<const std::byte> bytes) { checksum_.update(bytes); }
  std::uint64_t digest() const { return checksum_.digest(); }

 private:
  Checksum checksum_;
};

// What the logits depend on: neither max_context nor the ids of stop tokens are part of that, but a
// model with others is another one to its users.
void add_config(const ModelConfig& c, Hasher& hasher) {
  for (const int number :
       {c.d_model, c.n_layers, c.n_vocab, c.n_ssm_heads, c.ssm_head_dim, c.d_state, c.n_groups,
        c.d_conv, c.n_heads, c.n_kv_heads, c.head_dim, c.d_ff, c.max_context, c.bos_id})
    hasher.add(std::int64_t{number});
  hasher.add(c.layer_pattern());
  hasher.add(c.dt_min);
  hasher.add(c.dt_max);
  hasher.add(c.norm_eps);
  hasher.add(std::int64_t{c.tied_output ? 1 : 0});
  for (const int id : c.eos_ids) hasher.add(std::int64_t{id});
}

}  // namespace

Result<std::uint64_t> fingerprint_of(const ModelFile& file) {
  Hasher hasher;
  add_config(file.config(), hasher);
  const TensorTable& table = file.table();
  std::vector<std::size_t> order(table.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return table[a].name < table[b].name; });
  std::vector<std::byte> beginning;
  for (const std::size_t index : order) {
    const TensorEntry& entry = table[index];
    hasher.add(entry.name);
    hasher.add(traits(entry.type).name);
    hasher.add(static_cast<std::uint64_t>(entry.n_dims));
    for (const std::uint64_t n : entry.dims()) hasher.add(n);
    beginning.resize(static_cast<std::size_t>(std::min(entry.size_bytes, kBytesPerTensor)));
    NEMO_TRY(file.read_raw(entry, 0, beginning));
    hasher.add(std::span<const std::byte>(beginning));
  }
  return hasher.digest();
}

}  // namespace nemotron
