#include "dsp/kernels/lanes_scalar.h"
#include "dsp/kernels/uncounted.h"
// Behind them: they are written over the types of the first.
#include "dsp/kernels/kernels_impl.h"

namespace nampedal {

const Kernels scalar_kernels = kernels_named("scalar", nullptr, nullptr);

}  // namespace nampedal
