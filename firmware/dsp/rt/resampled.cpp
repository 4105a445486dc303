#include "dsp/rt/resampled.h"

#include <cstring>

namespace nampedal {

namespace {

std::size_t bytes(int floats) noexcept { return sizeof(float) * static_cast<std::size_t>(floats); }

// Four sums: one would wait for itself. taps: a multiple of four.
float filtered(const float* taps, const float* x, int count) noexcept {
  float sum[4] = {};
  for (int k = 0; k < count; k += 4) {
    for (int lane = 0; lane < 4; ++lane) sum[lane] += taps[k + lane] * x[k + lane];
  }
  return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

}  // namespace

int Resampler::process(const float* in, int frames, float* out, int most) noexcept {
  std::memcpy(line + kept, in, bytes(frames));
  int made = 0;
  while (made < most && index_ < frames) {
    out[made++] = filtered(phases + phase_ * taps, line + kept + index_ - taps + 1, taps);
    phase_ += down;
    index_ += phase_ / up;
    phase_ %= up;
  }
  index_ -= frames;
  std::memmove(line, line + frames, bytes(kept));
  return made;
}

void Resampler::settle(float value) noexcept {
  for (int f = 0; f < kept; ++f) line[f] = value;
  index_ = phase_ = 0;
}

void Resampled::process(const float* in, float* out, int frames) noexcept {
  const int count = there.process(in, frames, given, most_given);
  if (count > 0) player->process(given, played, count);
  // As many as went in: what stands before the last frame of the audio has been played.
  back.process(played, count, out, frames);
}

void Resampled::reset() noexcept {
  player->reset();
  there.settle(0.0f);
  given[0] = 0.0f;
  player->process(given, played, 1);
  back.settle(played[0]);
}

}  // namespace nampedal
