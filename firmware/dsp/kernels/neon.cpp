#include "dsp/kernels/lanes_neon.h"
#include "dsp/kernels/neon_tiles.h"
#include "dsp/kernels/uncounted.h"

namespace {

inline void run_tiles8(const nampedal::NeonTiles& tiles) { nampedal_neon_tiles8(&tiles); }
inline void run_tiles4(const nampedal::NeonTiles& tiles) { nampedal_neon_tiles4(&tiles); }

}  // namespace

// Behind them: they are written over the types of the first.
#include "dsp/kernels/kernels_impl.h"
#include "dsp/kernels/planar_impl.h"
#include "dsp/kernels/rows_impl.h"

namespace nampedal {

const Kernels neon_kernels = kernels_named("neon", &planar_kernels, &rows_kernels);

}  // namespace nampedal
