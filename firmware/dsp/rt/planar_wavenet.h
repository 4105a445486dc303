#pragma once

#include <span>

#include "../kernels/kernels.h"
#include "net.h"
#include "planar_history.h"

namespace nampedal {

struct PlanarLayer {
  PlanarHistory history;     // of the conv's input
  PlanarLayerArgs prepared;  // all but the planes and the number of frames
};

struct PlanarLayerArray {
  PlanarWeights rechannel;
  std::span<PlanarLayer> layers;
  PlanarHistory head_history;  // of the head's input, the sum over the layers
  PlanarWeights head;
};

// A WaveNet without FiLMs, head1x1s and a head behind the stack, on planes: gives the bits that WaveNet gives.
class PlanarWaveNet final : public Net {
 public:
  void process(const float* in, float* out, int frames, Pass pass) noexcept override;
  void clear() noexcept override;

  const PlanarKernels* kernels = nullptr;
  int in_channels = 0;
  int out_channels = 0;
  int condition_channels = 0;
  Net* condition = nullptr;  // nullptr: the input itself
  std::span<PlanarLayerArray> arrays;
  float head_scale = 1.0f;
  Planes input;
  Planes condition_planes;
  float* condition_out = nullptr;  // [frame][condition channels]
  Planes stream;                   // behind an array's last layer
  Planes head_out[2];
};

}  // namespace nampedal
