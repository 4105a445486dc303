// libLiteRt.so, opened at run time: nothing of it is needed to build, and a pedal without it plays its own artifacts.
#pragma once

#include <string>

#include "litert/api.h"

namespace nampedal::litert {

// The functions of the library at this path. It stays loaded until the process ends: it keeps threads' and caches'
// memory of its own. Throws Error: kLiteRtMissing, kLiteRtVersion.
Api open_library(const std::string& path);

}  // namespace nampedal::litert
