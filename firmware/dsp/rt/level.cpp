#include "dsp/rt/level.h"

#include <cmath>

namespace nampedal {

void Gain::process(float* audio, int frames) noexcept {
  int f = 0;
  for (; f < frames && factor.moving(); ++f) audio[f] *= factor.next();
  const float settled = factor.value();
  for (; f < frames; ++f) audio[f] *= settled;
}

void Gain::set(int parameter, float value) noexcept {
  if (parameter == kFactor) factor.aim(value, smoothing_frames);
}

void Ceiling::process(float* audio, int frames) noexcept {
  constexpr float kRoom = 1.0f - kKnee;
  for (int f = 0; f < frames; ++f) {
    const float size = std::fabs(audio[f]);
    if (size > kKnee) audio[f] = std::copysign(kKnee + kRoom * tanhf((size - kKnee) / kRoom), audio[f]);
  }
}

}  // namespace nampedal
