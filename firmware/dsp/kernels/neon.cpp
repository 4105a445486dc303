#include "dsp/kernels/lanes_neon.h"
// Behind it: they are written over the types of the first.
#include "dsp/kernels/kernels_impl.h"
#include "dsp/kernels/planar_impl.h"
#include "dsp/kernels/rows_impl.h"

namespace nampedal {

const Kernels neon_kernels = kernels_named("neon", &planar_kernels, &rows_kernels);

}  // namespace nampedal
