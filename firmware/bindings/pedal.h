#pragma once

#include <nanobind/nanobind.h>

namespace nampedal {

// Chain, Stage and JackCallback.
void bind_pedal(nanobind::module_& m);

}  // namespace nampedal
