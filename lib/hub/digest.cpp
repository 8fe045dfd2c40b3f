// Digest over OpenSSL's EVP interface. It fails only where memory is short or SHA-1 is forbidden by
// the machine's configuration.
#include "hub/digest.h"

#include <openssl/evp.h>

#include <array>
#include <string_view>

#include "base/text.h"

namespace nemotron::hub {

void Digest::Free::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

Result<Digest> Digest::create(Kind kind) {
  Context context(EVP_MD_CTX_new());
  const EVP_MD* algorithm = kind == Kind::kSha256 ? EVP_sha256() : EVP_sha1();
  if (context == nullptr || EVP_DigestInit_ex(context.get(), algorithm, nullptr) != 1)
    return Status{
        StatusCode::kInternal,
        join("OpenSSL cannot compute ", kind == Kind::kSha256 ? "SHA-256" : "SHA-1", " here")};
  return Digest(std::move(context));
}

Result<Digest> Digest::create_for_git_blob(std::uint64_t size_bytes) {
  NEMO_ASSIGN(Digest digest, create(Kind::kSha1));
  std::string header = join("blob ", size_bytes);
  header.push_back('\0');
  digest.update(std::as_bytes(std::span(header)));
  return digest;
}

void Digest::update(std::span<const std::byte> bytes) {
  EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size());
}

std::string Digest::finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> value{};
  unsigned int size = 0;
  EVP_DigestFinal_ex(context_.get(), value.data(), &size);
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (unsigned int i = 0; i < size; ++i) {
    text.push_back(kDigits[value[i] >> 4]);
    text.push_back(kDigits[value[i] & 15]);
  }
  return text;
}

}  // namespace nemotron::hub
