// Takes away what does not move: a high-pass of the first order.
#pragma once

#include "dsp/rt/block.h"

namespace nampedal {

// A low-pass, integrated by the trapezoidal rule, taken from the signal. Its state is a double: as a float, the part of
// a step that is left would stand still at -60 dB of it where the sample rate is high.
class DcBlocker final : public Block {
 public:
  static constexpr double kCorner_hz = 5.0;

  void process(float* audio, int frames) noexcept override;
  // To where the block before it rests: a constant that was always there is gone at once.
  void reset() noexcept override;
  void set(int, float) noexcept override {}

  const Block* before = nullptr;
  double share = 0.0;  // of a new sample in the low-pass: g / (1 + g) with g = tan(pi * kCorner_hz / sample rate)

 private:
  double low_ = 0.0;
};

}  // namespace nampedal
