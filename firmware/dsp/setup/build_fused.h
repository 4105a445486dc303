// From a general WaveNet, checked and packed, to the fused one.
#pragma once

#include "dsp/rt/wavenet.h"
#include "dsp/setup/parts.h"

namespace nampedal {

// nullptr where the network has more than FusedWaveNet plays, or the ISA has no fused kernels.
const FusedKernels* fused_kernels_for(const WaveNet& net, const BuildOptions& options);

// May share the packed weights of `net`, whose histories and scratch need not be allocated.
Net& build_fused(const WaveNet& net, const FusedKernels& kernels, Parts& parts);

}  // namespace nampedal
