// The hub's client (lib/hub) behind the command's bar, notes and ^C.
#include "hub_model.h"

#include "interrupt.h"
#include "program.h"

#ifdef NEMO_HAS_HUB

#include <curl/curl.h>

#include <cstdlib>

#include "hub/pull.h"

namespace {

namespace hub = nemotron::hub;

template <typename T>
T value_or_throw(nemotron::Result<T> result) {
  if (!result.is_ok()) throw ProgramError(result.status().message());
  return std::move(result).value();
}

hub::Settings settings() {
  return value_or_throw(hub::read_settings([](const char* name) { return std::getenv(name); }));
}

// While it lives ^C only sets a flag; afterwards it ends the program again.
class InterruptFlag {
 public:
  InterruptFlag() { catch_interrupts(); }
  ~InterruptFlag() { release_interrupts(); }
  InterruptFlag(const InterruptFlag&) = delete;
  InterruptFlag& operator=(const InterruptFlag&) = delete;
};

std::string pull(const hub::Settings& settings, const hub::ModelName& name) {
  ProgressBar progress("pulling");
  const InterruptFlag flag;
  hub::PullOptions options;
  options.http.user_agent = "nemotron/" NEMO_VERSION_STRING;
  options.http.ca_file = settings.ca_file;
  options.on_note = [&](const std::string& text) { progress.note(text); };
  options.on_progress = [&](std::uint64_t done, std::uint64_t total) {
    progress.update(done, total);
    return !take_interrupt();
  };
  auto result = hub::pull(settings, name, options);
  if (!result.is_ok() && result.status().code() == nemotron::StatusCode::kCancelled)
    throw ProgramError("interrupted; what has come stays, and the same command goes on from there");
  const hub::PulledModel model = value_or_throw(std::move(result));
  if (model.n_downloaded > 0)
    progress.note(name.repo + ": " + format_bytes(model.downloaded_bytes) + " in " +
                  std::to_string(model.n_downloaded) +
                  (model.n_downloaded == 1 ? " file" : " files"));
  return model.path;
}

}  // namespace

std::string pull_model(const std::string& name) {
  return pull(settings(), value_or_throw(hub::parse_model_name(name)));
}

std::string local_model_path(const std::string& path_or_name) {
  if (!path_or_name.starts_with("hf:")) return path_or_name;
  const hub::Settings from_environment = settings();
  const hub::ModelName name = value_or_throw(hub::parse_model_name(path_or_name));
  const auto found = hub::find_in_cache(from_environment, name);
  return found.is_ok() ? found.value().path : pull(from_environment, name);
}

std::string hub_version() {
  const std::string all = curl_version();  // "libcurl/7.88.1 OpenSSL/3.0.19 zlib/..."
  return all.substr(0, all.find(' ', all.find(' ') + 1));
}

#else

namespace {

constexpr const char* kNoHub =
    "this nemotron was built without pull: libcurl and OpenSSL were not there, or not wanted";

}  // namespace

std::string pull_model(const std::string&) { throw ProgramError(kNoHub); }

std::string local_model_path(const std::string& path_or_name) {
  if (!path_or_name.starts_with("hf:")) return path_or_name;
  throw ProgramError(path_or_name + ": " + kNoHub);
}

std::string hub_version() { return "built without"; }

#endif
