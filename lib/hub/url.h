// What the client does with URLs, by libcurl's parser: quoting, resolving, comparing origins. And
// the Link header, which names the next page of a list.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace nemotron::hub {

// Percent-encodes everything but letters, digits and "-._~"; '/' too unless `keep_slashes`.
std::string quote(std::string_view text, bool keep_slashes);

// `target` as seen from `base` (absolute or relative, as in a Location header). kBadFile where it
// is no URL of http or https, or would leave https for http.
Result<std::string> resolve_url(const std::string& base, const std::string& target);

// Scheme, host and port, written in one way: "https://huggingface.co:443". Empty for no URL.
std::string origin_of(const std::string& url);

// Scheme, host and path, for messages: no query, which may hold a signature.
std::string short_url(const std::string& url);

// The target of rel="next" in a Link header; empty without one.
std::string next_link(std::string_view header);

}  // namespace nemotron::hub
