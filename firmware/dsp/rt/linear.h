#pragma once

#include <span>

#include "dsp/rt/layers.h"
#include "dsp/rt/net.h"

namespace nampedal {

class Linear final : public Net {
 public:
  void process(const float* in, float* out, int frames, Pass pass) noexcept override;
  void clear() noexcept override;
  void tell_work(BlockWork& work) const override;

  const Kernels* kernels = nullptr;
  int in_channels = 0;
  int out_channels = 0;
  const float* taps = nullptr;
  int tap_count = 0;
  float bias = 0.0f;
  std::span<History> histories;  // one a channel that is both in and out, width 1, kReadSlack floats longer
  float* scratch = nullptr;      // [frame]
};

}  // namespace nampedal
