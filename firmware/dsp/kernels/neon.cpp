#include "lanes_neon.h"
// Behind it: they are written over the types of the first.
#include "kernels_impl.h"

namespace nampedal {

const Kernels neon_kernels = kernels_named("neon", nullptr);

}  // namespace nampedal
