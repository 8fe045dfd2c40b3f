#include "engine/prefix_tree.h"

#include <algorithm>
#include <utility>

namespace nemotron {

namespace {

constexpr auto kBlockTokens = static_cast<std::size_t>(kernels::kKvBlockTokens);

std::size_t n_tokens_of(const PrefixNode& node) {
  return static_cast<std::size_t>(node.n_blocks) * kBlockTokens;
}

PrefixNode* find_child(const PrefixNode& node, TokenSpan block, std::uint64_t hash) {
  auto child = std::lower_bound(
      node.children.begin(), node.children.end(), hash,
      [](const PrefixNode::Child& c, std::uint64_t wanted) { return c.hash < wanted; });
  for (; child != node.children.end() && child->hash == hash; ++child)
    if (std::ranges::equal(child->node->tokens, block)) return child->node.get();
  return nullptr;
}

bool is_less(TokenSpan a, TokenSpan b) { return std::ranges::lexicographical_compare(a, b); }

// The node's snapshot with the longest tail that `rest` begins with, or null.
//
// In the order of tails, the last one that is not behind `rest` either is a prefix of it, or has in
// common with `rest` what every shorter candidate is a prefix of: with that as `rest` the search
// goes on. Each round shortens it.
PrefixSnapshot* longest_tail(const PrefixNode& node, TokenSpan rest) {
  while (true) {
    const auto behind = std::upper_bound(
        node.snapshots.begin(), node.snapshots.end(), rest,
        [](TokenSpan r, const auto& snapshot) { return is_less(r, snapshot->tail); });
    if (behind == node.snapshots.begin()) return nullptr;
    const std::vector<std::int32_t>& tail = (*std::prev(behind))->tail;
    const auto end = std::ranges::mismatch(tail, rest);
    if (end.in1 == tail.end()) return std::prev(behind)->get();
    rest = TokenSpan(rest.begin(), end.in2);
  }
}

// Room for one more: what follows can push without allocating.
template <typename T>
void make_room(std::vector<T>& list) {
  if (list.size() == list.capacity()) list.reserve(std::max<std::size_t>(1, 2 * list.size()));
}

void link(PrefixNode& parent, std::unique_ptr<PrefixNode> node) noexcept {
  node->parent = &parent;
  const auto at =
      std::ranges::upper_bound(parent.children, node->hash, {}, &PrefixNode::Child::hash);
  const std::uint64_t hash = node->hash;
  parent.children.insert(at, PrefixNode::Child{hash, std::move(node)});  // prepare() made room
}

void unlink(PrefixNode& node) noexcept {
  std::vector<PrefixNode::Child>& siblings = node.parent->children;
  siblings.erase(std::ranges::find(siblings, &node, [](const auto& c) { return c.node.get(); }));
}

// The snapshot at or below `node` if it is the only one.
PrefixSnapshot* only_snapshot(const PrefixNode* node) noexcept {
  while (node->snapshots.empty() && node->children.size() == 1)
    node = node->children.front().node.get();
  const bool is_only = node->snapshots.size() == 1 && node->children.empty();
  return is_only ? node->snapshots.front().get() : nullptr;
}

}  // namespace

std::int64_t PrefixSnapshot::position() const {
  return static_cast<std::int64_t>(n_tokens_of(*node) + tail.size());
}

PrefixTree::~PrefixTree() {
  PrefixNode* node = &root_;
  while (true) {
    if (!node->children.empty()) {
      node = node->children.back().node.get();
    } else if (node->parent != nullptr) {
      node = node->parent;
      node->children.pop_back();
    } else {
      return;
    }
  }
}

PrefixNode* PrefixTree::descend(TokenSpan tokens) {
  PrefixNode* node = &root_;
  while (tokens.size() >= kBlockTokens) {
    const TokenSpan block = tokens.first(kBlockTokens);
    PrefixNode* child = find_child(*node, block, hash_(block));
    if (child == nullptr) break;
    node = child;
    tokens = tokens.subspan(kBlockTokens);
  }
  return node;
}

PrefixSnapshot* PrefixTree::find(TokenSpan tokens) {
  for (const PrefixNode* node = descend(tokens); node != nullptr; node = node->parent) {
    if (PrefixSnapshot* found = longest_tail(*node, tokens.subspan(n_tokens_of(*node))))
      return found;
  }
  return nullptr;
}

PrefixSnapshot* PrefixTree::find_exactly(TokenSpan tokens) {
  const PrefixNode* node = descend(tokens);
  const TokenSpan tail = tokens.subspan(n_tokens_of(*node));
  if (tail.size() >= kBlockTokens) return nullptr;
  PrefixSnapshot* found = longest_tail(*node, tail);
  return found != nullptr && found->tail.size() == tail.size() ? found : nullptr;
}

PrefixTree::Addition PrefixTree::prepare(TokenSpan tokens, const LayerState& state) {
  const bool has_kv = state.layout().kv.n_layers != 0;
  const std::size_t n_blocks = tokens.size() / kBlockTokens;
  const TokenSpan tail = tokens.subspan(n_blocks * kBlockTokens);
  Addition addition;
  addition.parent = descend(tokens);
  const auto n_known = static_cast<std::size_t>(addition.parent->n_blocks);
  addition.nodes.reserve(n_blocks - n_known);
  for (std::size_t b = n_known; b < n_blocks; ++b) {
    auto node = std::make_unique<PrefixNode>();
    const TokenSpan block = tokens.subspan(b * kBlockTokens, kBlockTokens);
    std::ranges::copy(block, node->tokens.begin());
    node->hash = hash_(block);
    node->n_blocks = static_cast<std::int64_t>(b) + 1;
    if (has_kv) node->kv_block = state.kv_blocks()[b];
    if (b + 1 < n_blocks) make_room(node->children);
    addition.size_bytes += node->kv_block.size_bytes();
    addition.nodes.push_back(std::move(node));
  }
  auto snapshot = std::make_unique<PrefixSnapshot>();
  snapshot->tail.assign(tail.begin(), tail.end());
  snapshot->recurrent = state.recurrent();
  if (has_kv && !tail.empty()) snapshot->tail_block = state.kv_blocks()[n_blocks];
  addition.size_bytes += snapshot->size_bytes();
  addition.snapshot = std::move(snapshot);
  if (!addition.nodes.empty()) make_room(addition.parent->children);
  make_room(addition.nodes.empty() ? addition.parent->snapshots : addition.nodes.back()->snapshots);
  return addition;
}

PrefixSnapshot& PrefixTree::commit(Addition addition) noexcept {
  PrefixNode* node = addition.parent;
  for (std::unique_ptr<PrefixNode>& next : addition.nodes) {
    PrefixNode* const child = next.get();
    link(*node, std::move(next));
    node = child;
  }
  PrefixSnapshot& snapshot = *addition.snapshot;
  snapshot.node = node;
  const auto at = std::ranges::upper_bound(
      node->snapshots, snapshot.tail, is_less, [](const auto& s) -> auto& { return s->tail; });
  node->snapshots.insert(at, std::move(addition.snapshot));  // prepare() made room
  return snapshot;
}

PrefixTree::Removal PrefixTree::remove(PrefixSnapshot& snapshot) noexcept {
  Removal removal;
  removal.freed_bytes = snapshot.size_bytes();
  PrefixNode* node = snapshot.node;
  node->snapshots.erase(
      std::ranges::find(node->snapshots, &snapshot, [](const auto& s) { return s.get(); }));
  while (node->parent != nullptr && node->snapshots.empty() && node->children.empty()) {
    PrefixNode* const parent = node->parent;
    removal.freed_bytes += node->kv_block.size_bytes();
    ++removal.n_freed_blocks;
    unlink(*node);
    node = parent;
  }
  if (node->parent != nullptr) removal.heir = only_snapshot(node);
  return removal;
}

std::vector<StateRef> PrefixTree::kv_blocks(const PrefixSnapshot& snapshot) {
  const bool has_tail = static_cast<bool>(snapshot.tail_block);
  const PrefixNode* node = snapshot.node;
  if (node->n_blocks != 0 && !node->kv_block) return {};  // no attention layers
  std::vector<StateRef> blocks(static_cast<std::size_t>(node->n_blocks) + (has_tail ? 1 : 0));
  if (has_tail) blocks.back() = snapshot.tail_block;
  for (; node->parent != nullptr; node = node->parent)
    blocks[static_cast<std::size_t>(node->n_blocks) - 1] = node->kv_block;
  return blocks;
}

std::uint64_t PrefixTree::bytes_held_alone(const PrefixSnapshot& snapshot) noexcept {
  std::uint64_t size_bytes = snapshot.size_bytes();
  const PrefixNode* node = snapshot.node;
  if (node->snapshots.size() > 1 || !node->children.empty()) return size_bytes;
  do {
    size_bytes += node->kv_block.size_bytes();
    node = node->parent;
  } while (node != nullptr && node->snapshots.empty() && node->children.size() == 1);
  return size_bytes;
}

bool PrefixTree::offer_buffers(const PrefixSnapshot& snapshot, bool is_alone,
                               FunctionRef<bool(const StateRef&)> move) {
  bool is_any = move(snapshot.recurrent);
  is_any |= move(snapshot.tail_block);
  std::size_t n_snapshots = 1;  // that a node may have, to be this one's alone
  for (const PrefixNode* node = snapshot.node; node->parent != nullptr; node = node->parent) {
    const std::size_t n_children = 1 - n_snapshots;
    if (is_alone && (node->snapshots.size() > n_snapshots || node->children.size() > n_children))
      break;
    is_any |= move(node->kv_block);
    n_snapshots = 0;
  }
  return is_any;
}

std::int64_t PrefixTree::position_of_ancestor(const PrefixSnapshot& snapshot) noexcept {
  const PrefixNode* node = snapshot.node;
  PrefixSnapshot* found = nullptr;
  if (!snapshot.tail.empty())
    found = longest_tail(*node, TokenSpan(snapshot.tail).first(snapshot.tail.size() - 1));
  for (; found == nullptr && node->parent != nullptr; node = node->parent)
    found = longest_tail(*node->parent, node->tokens);
  return found == nullptr ? 0 : found->position();
}

}  // namespace nemotron
