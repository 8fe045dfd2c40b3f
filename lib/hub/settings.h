// Where the hub and its cache are, and who asks: read from the environment by the rules of the
// huggingface_hub package, so that both use the same folder and the same login.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"

namespace nemotron::hub {

struct Settings {
  std::string endpoint;   // "https://huggingface.co"; no '/' at the end
  std::string cache_dir;  // holds models--ORG--NAME
  std::string token;      // empty: nobody is logged in
  std::string ca_file;    // certificates to trust instead of the system's; empty: the system's
  bool is_offline = false;
};

// The value of an environment variable, or nullptr.
using GetVariable = std::function<const char*(const char* name)>;

// HF_ENDPOINT; HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, HF_HOME, XDG_CACHE_HOME, HOME; HF_TOKEN,
// HUGGING_FACE_HUB_TOKEN, HF_TOKEN_PATH, the file "token" in HF_HOME,
// HF_HUB_DISABLE_IMPLICIT_TOKEN; HF_HUB_OFFLINE, TRANSFORMERS_OFFLINE; SSL_CERT_FILE,
// CURL_CA_BUNDLE. kInvalidArgument.
Result<Settings> read_settings(const GetVariable& get);

}  // namespace nemotron::hub
