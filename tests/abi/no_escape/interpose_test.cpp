// That the other tests of this folder would notice: the names resolve to this executable.
#include <dlfcn.h>

#include <catch2/catch.hpp>
#include <string>

#include "nemotron/nemotron.h"

static const int a_variable_of_ours = 1;

TEST_CASE("abort, exit and their kin are interposed") {
  Dl_info self, library;
  REQUIRE(dladdr(&a_variable_of_ours, &self) != 0);
  REQUIRE(dladdr(dlsym(RTLD_DEFAULT, "nemo_version"), &library) != 0);
  CHECK(std::string(library.dli_fname).find("libnemotron.so") != std::string::npos);
  for (const char* name : {"abort", "exit", "_exit", "_Exit", "quick_exit", "_ZSt9terminatev"}) {
    INFO(name);
    void* symbol = dlsym(RTLD_DEFAULT, name);
    REQUIRE(symbol != nullptr);
    Dl_info found;
    REQUIRE(dladdr(symbol, &found) != 0);
    CHECK(found.dli_fbase == self.dli_fbase);
  }
}
