#pragma once

#include <span>

#include "dsp/kernels/kernels.h"
#include "dsp/rt/history.h"
#include "dsp/rt/net.h"

namespace nampedal {

struct FusedWaveNetLayer {
  History history;  // of the conv's input
  FusedLayer layer;
};

struct FusedLayerArray {
  FusedWeights rechannel;
  std::span<FusedWaveNetLayer> layers;
  History head_history;  // of the head's input, the sum over the layers
  FusedWeights head;
  Signal stream;    // behind the last layer
  Signal head_out;  // of the head: what the next array's sum begins with
};

// A WaveNet without FiLMs, head1x1s and a head behind the stack, layer by layer in the layout that its kernels like:
// gives the bits that WaveNet gives.
class FusedWaveNet final : public Net {
 public:
  void process(const float* in, float* out, int frames, Pass pass) noexcept override;
  void clear() noexcept override;
  void tell_work(BlockWork& work) const override;

  const FusedKernels* kernels = nullptr;
  int in_channels = 0;
  int out_channels = 0;
  int condition_channels = 0;
  Net* condition = nullptr;  // nullptr: the input itself
  std::span<FusedLayerArray> arrays;
  float head_scale = 1.0f;
  Signal input;
  Signal condition_signal;
  float* condition_out = nullptr;  // [frame][condition channels]

 private:
  void take_in(const float* in, int channels, Signal out, int frames) const noexcept;
  void start_sum(const History& history, Signal sum, Signal before, int frames) const noexcept;
  Signal present(History& history) const noexcept;
};

}  // namespace nampedal
