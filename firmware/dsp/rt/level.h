// Loudness: a gain, and the ceiling that nothing gets through.
#pragma once

#include "dsp/rt/block.h"
#include "dsp/rt/smoothed.h"

namespace nampedal {

class Gain final : public Block {
 public:
  enum Parameter { kFactor };

  void process(float* audio, int frames) noexcept override;
  void reset() noexcept override { factor.jump(factor.target()); }
  void set(int parameter, float value) noexcept override;

  Smoothed factor;
  int smoothing_frames = 1;
};

// Up to the knee the signal as it is; above it bends, and never reaches 1. Slope and level go on unbroken at the knee.
class Ceiling final : public Block {
 public:
  static constexpr float kKnee = 0.89125094f;  // -1 dBFS

  void process(float* audio, int frames) noexcept override;
  void reset() noexcept override {}
  void set(int, float) noexcept override {}
};

}  // namespace nampedal
