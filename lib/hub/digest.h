// SHA-256 and SHA-1 of bytes that arrive in pieces, by OpenSSL's libcrypto. SHA-1 is here because
// git names small files by it; whoever can forge it can also forge the list it is compared with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"

struct evp_md_ctx_st;  // OpenSSL's EVP_MD_CTX

namespace nemotron::hub {

class Digest {
 public:
  enum class Kind : std::uint8_t { kSha256, kSha1 };

  static Result<Digest> create(Kind kind);
  // What git calls a file of `size_bytes` bytes: the SHA-1 of "blob SIZE\0" and the bytes.
  static Result<Digest> create_for_git_blob(std::uint64_t size_bytes);

  void update(std::span<const std::byte> bytes);
  // Lower-case hexadecimal digits. Once, at the end.
  std::string finish();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  using Context = std::unique_ptr<evp_md_ctx_st, Free>;

  explicit Digest(Context context) : context_(std::move(context)) {}

  Context context_;
};

}  // namespace nemotron::hub
