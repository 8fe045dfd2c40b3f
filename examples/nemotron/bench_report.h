// What bench measured, for people to read.
#pragma once

#include <nlohmann/json.hpp>

void print_bench_report(const nlohmann::ordered_json& report);
