#include "dsp/kernels/lanes_x86.h"
#include "dsp/kernels/uncounted.h"
// Behind them: they are written over the types of the first.
#include "dsp/kernels/kernels_impl.h"
#include "dsp/kernels/planar_impl.h"

namespace nampedal {

const Kernels avx512_kernels = kernels_named("avx512", &planar_kernels, nullptr);

}  // namespace nampedal
