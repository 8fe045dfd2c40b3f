// Token sequences as paths of blocks of 64 tokens, and what is kept for them: a KV block at each
// node, and snapshots, which hang on the node of their last whole block. Holds the structure only;
// what is worth keeping is for prefix_cache to say.
//
// A node exists while a snapshot hangs on it or below. Paths have thousands of nodes (4,096 for
// 262,144 tokens): nothing here recurses over depth.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/function_ref.h"
#include "engine/layer_state.h"

namespace nemotron {

using TokenSpan = std::span<const std::int32_t>;
using BlockHash = std::uint64_t (*)(TokenSpan block);

struct PrefixNode;

// The state behind the tokens of a node's path and `tail`.
struct PrefixSnapshot {
  std::int64_t position() const;
  // Of its own memory; the blocks of the path come on top.
  std::uint64_t size_bytes() const { return recurrent.size_bytes() + tail_block.size_bytes(); }

  PrefixNode* node = nullptr;
  std::vector<std::int32_t> tail;  // fewer than 64
  StateRef tail_block;             // empty without a tail, or without attention layers
  StateRef recurrent;              // empty without Mamba layers

  // Of prefix_cache.
  std::uint64_t n_hits = 0;
  std::uint64_t last_use = 0;  // counts uses of any snapshot: no two are equal
  double clock = 0.0;          // the cache's at the last use
  double priority = 0.0;
};

struct PrefixNode {
  struct Child {
    std::uint64_t hash = 0;
    std::unique_ptr<PrefixNode> node;
  };

  PrefixNode* parent = nullptr;
  std::int64_t n_blocks = 0;  // on the path, this one included
  std::uint64_t hash = 0;     // of `tokens`
  std::array<std::int32_t, kernels::kKvBlockTokens> tokens{};
  StateRef kv_block;                                       // empty without attention layers
  std::vector<Child> children;                             // by hash
  std::vector<std::unique_ptr<PrefixSnapshot>> snapshots;  // by tail, lexicographically
};

class PrefixTree {
 public:
  explicit PrefixTree(BlockHash hash) : hash_(hash) {}
  ~PrefixTree();
  PrefixTree(const PrefixTree&) = delete;
  PrefixTree& operator=(const PrefixTree&) = delete;

  // The snapshot behind the longest prefix of `tokens`, or null.
  PrefixSnapshot* find(TokenSpan tokens);
  // The snapshot behind all of `tokens`, or null.
  PrefixSnapshot* find_exactly(TokenSpan tokens);

  // What an insertion adds, made and not yet part of the tree.
  struct Addition {
    PrefixNode* parent = nullptr;                    // of the first new node, if there are any
    std::vector<std::unique_ptr<PrefixNode>> nodes;  // each the parent of the next
    std::unique_ptr<PrefixSnapshot> snapshot;
    std::uint64_t size_bytes = 0;
  };
  // `tokens` have no snapshot yet. Nodes that are there keep their KV blocks: same tokens, same
  // bytes. Throws bad_alloc; the tree is then what it was.
  Addition prepare(TokenSpan tokens, const LayerState& state);
  // The addition of the last prepare(), with no change of the tree between the two.
  static PrefixSnapshot& commit(Addition addition) noexcept;

  struct Removal {
    std::uint64_t freed_bytes = 0;
    std::uint64_t n_freed_blocks = 0;
    // Holds alone now what it shared with the removed one, or null: nobody does. There is never a
    // second one, since what it holds alone lies on the removed one's path.
    PrefixSnapshot* heir = nullptr;
  };
  static Removal remove(PrefixSnapshot& snapshot) noexcept;

  // The KV blocks that cover the snapshot's position.
  static std::vector<StateRef> kv_blocks(const PrefixSnapshot& snapshot);
  // Bytes that no other snapshot needs: what remove() would free.
  static std::uint64_t bytes_held_alone(const PrefixSnapshot& snapshot) noexcept;
  // Calls move(buffer) for what the snapshot holds, its own first; of the path's blocks, with
  // `is_alone`, only those that no other one needs. Whether any call said true.
  static bool offer_buffers(const PrefixSnapshot& snapshot, bool is_alone,
                            FunctionRef<bool(const StateRef&)> move);
  // Of the longest other prefix of its tokens that has a snapshot; 0: none has.
  static std::int64_t position_of_ancestor(const PrefixSnapshot& snapshot) noexcept;

 private:
  // The deepest node whose path `tokens` begin with; the root for none.
  PrefixNode* descend(TokenSpan tokens);

  BlockHash hash_;
  PrefixNode root_;
};

}  // namespace nemotron
