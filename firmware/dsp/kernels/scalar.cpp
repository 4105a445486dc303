#include "lanes_scalar.h"
// Second: it is written over the types of the first.
#include "kernels_impl.h"

namespace nampedal {

const Kernels scalar_kernels = kernels_named("scalar");

}  // namespace nampedal
