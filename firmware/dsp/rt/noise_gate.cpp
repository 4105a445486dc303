#include "dsp/rt/noise_gate.h"

#include <cmath>

namespace nampedal {

namespace {
// -100 dB: what is as good as closed.
constexpr float kClosed = 1e-5f;
}  // namespace

void NoiseGate::process(float* audio, int frames) noexcept {
  for (int f = 0; f < frames; ++f) {
    const float size = std::fabs(audio[f]);
    const float limit = threshold.next();
    envelope_ = size > envelope_ ? size : envelope_ * decay;
    if (envelope_ >= limit) {
      open_ = true;
      below_ = 0;
    } else if (envelope_ >= limit * hysteresis) {
      below_ = 0;
    } else if (++below_ > hold_frames) {
      open_ = false;
      below_ = hold_frames;
    }
    if (open_) {
      gain_ = gain_ + opening < 1.0f ? gain_ + opening : 1.0f;
    } else {
      gain_ = gain_ * closing > kClosed ? gain_ * closing : 0.0f;
    }
    audio[f] *= gain_;
  }
}

void NoiseGate::reset() noexcept {
  threshold.jump(threshold.target());
  envelope_ = 0.0f;
  below_ = hold_frames;
  open_ = threshold.target() <= 0.0f;
  gain_ = open_ ? 1.0f : 0.0f;
}

void NoiseGate::set(int parameter, float value) noexcept {
  if (parameter == kThreshold) threshold.aim(value, smoothing_frames);
}

}  // namespace nampedal
