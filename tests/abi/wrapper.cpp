// The C++ wrapper must stand alone and add no symbol that somebody must link.
#include <nemotron/nemotron.hpp>
