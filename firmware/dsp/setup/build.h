// From the artifact's tables to networks that run: checks every shape and number, packs the weights, lays out memory.
#pragma once

#include "dsp/rt/net.h"
#include "dsp/setup/isa.h"
#include "dsp/setup/memory.h"

namespace stomp {
struct Network;
}

namespace nampedal {

struct BuildOptions {
  Memory& memory;
  const Kernels& kernels;
  Accuracy accuracy;
  int max_frames;
  bool general;  // the general path, even where a faster one gives the same bits
};

struct BuiltNetwork {
  Net* net;
  int in_channels;
  int out_channels;
};

// Throws Error, its text beginning with the part that is wrong. The network lives in options.memory; its state is
// unset: clear() it, then process a settling frame.
BuiltNetwork build_network(const stomp::Network* network, const BuildOptions& options);

}  // namespace nampedal
