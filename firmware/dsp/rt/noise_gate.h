// A noise gate: below a threshold, silence.
#pragma once

#include "dsp/rt/block.h"
#include "dsp/rt/smoothed.h"

namespace nampedal {

// Opens where the envelope reaches the threshold; closes when it has been below `hysteresis` times the threshold for
// `hold_frames`. The envelope is the largest sample so far, forgotten by `decay` every frame.
class NoiseGate final : public Block {
 public:
  enum Parameter { kThreshold };

  void process(float* audio, int frames) noexcept override;
  void reset() noexcept override;
  void set(int parameter, float value) noexcept override;

  Smoothed threshold;
  float hysteresis = 1.0f;
  float decay = 0.0f;
  float opening = 1.0f;  // added to the gain every frame
  float closing = 0.0f;  // times the gain every frame
  int hold_frames = 0;
  int smoothing_frames = 1;

 private:
  float envelope_ = 0.0f;
  float gain_ = 0.0f;
  int below_ = 0;
  bool open_ = false;
};

}  // namespace nampedal
