#include "dsp/rt/amp.h"

#include <cstring>

namespace nampedal {

void Amp::process(float* audio, int frames) noexcept {
  while (frames > 0) {
    if (wanted_ != tier_ && !share_.moving()) {
      before_ = tier_;
      tier_ = wanted_;
      share_.jump(0.0f);
      share_.aim(1.0f, fade_frames);
    }
    // What a tier has heard when it comes back, and where the next fade begins, is the fade's affair, not the block's.
    const int now = share_.moving() && share_.left() < frames ? share_.left() : frames;
    play(audio, now);
    audio += now;
    frames -= now;
  }
}

void Amp::play(float* audio, int frames) noexcept {
  tiers[static_cast<std::size_t>(tier_)]->process(audio, out, frames);
  if (share_.moving()) {
    tiers[static_cast<std::size_t>(before_)]->process(audio, out_before, frames);
    for (int f = 0; f < frames; ++f) out[f] = out_before[f] + share_.next() * (out[f] - out_before[f]);
  }
  std::memcpy(audio, out, sizeof(float) * static_cast<std::size_t>(frames));
}

void Amp::reset() noexcept {
  for (Player* tier : tiers) tier->reset();
  tier_ = before_ = wanted_;
  share_.jump(1.0f);
}

void Amp::set(int parameter, float value) noexcept {
  if (parameter != kTier) return;
  const int last = static_cast<int>(tiers.size()) - 1;
  const int wanted = static_cast<int>(value);
  wanted_ = wanted < 0 ? 0 : wanted < last ? wanted : last;
}

}  // namespace nampedal
