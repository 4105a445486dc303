// From a general WaveNet, checked and packed, to the faster one on planes.
#pragma once

#include "../rt/wavenet.h"
#include "parts.h"

namespace nampedal {

// Whether the kernels have planes and the network only what PlanarWaveNet plays.
bool can_be_planar(const WaveNet& net, const BuildOptions& options);

// Shares the packed weights of `net`, whose histories and scratch need not be allocated.
Net& build_planar(const WaveNet& net, Parts& parts);

}  // namespace nampedal
