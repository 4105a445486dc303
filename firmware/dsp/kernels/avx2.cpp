#include "lanes_x86.h"
// Second: it is written over the types of the first.
#include "kernels_impl.h"

namespace nampedal {

const Kernels avx2_kernels = kernels_named("avx2");

}  // namespace nampedal
