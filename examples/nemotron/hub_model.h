// hf:ORG/NAME[@REVISION][:FILE] where the command takes a path: the model lies in the cache, or is
// downloaded into it. In a build without libcurl both functions fail and say so.
#pragma once

#include <string>

// Is there a newer one? Downloads what is missing of it, with a bar. The path of what to open.
std::string pull_model(const std::string& name);

// A path as it is. For hf:...: what the cache has of it, and only if it has nothing, pull_model.
std::string local_model_path(const std::string& path_or_name);

// "libcurl/7.88.1 OpenSSL/3.0.19", or that there is no nemotron pull.
std::string hub_version();
