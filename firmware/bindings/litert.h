#pragma once

#include <nanobind/nanobind.h>

namespace nampedal {

// What module.cpp is, for LiteRT. After Player.
void bind_litert(nanobind::module_& m);

}  // namespace nampedal
