#include "lanes_neon.h"
// Second: it is written over the types of the first.
#include "kernels_impl.h"

namespace nampedal {

const Kernels neon_kernels = kernels_named("neon");

}  // namespace nampedal
