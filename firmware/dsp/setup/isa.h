#pragma once

#include <string>
#include <vector>

#include "dsp/kernels/kernels.h"

namespace nampedal {

// The kernels that this CPU can run, best first; the last is always scalar.
std::vector<const Kernels*> available_kernels();

// By name; "" is what NAMPEDAL_ISA says, or else the best. Throws Mistake::kIsa.
const Kernels& choose_kernels(std::string name);

}  // namespace nampedal
