#include "dsp/rt/tone.h"

#include <cmath>

namespace nampedal {

namespace {

// While something moves, coefficients are renewed every so many frames, counted from reset(): wherever blocks begin.
constexpr int kUpdateFrames = 16;
constexpr float kButterworth = 1.41421356f;  // 1 / Q

// 10^(db / 40): the square root of the gain.
float amplitude(float db) noexcept { return expf(db * 0.057564627f); }

SvfCoefficients low_shelf(float g, float db) noexcept {
  const float a = amplitude(db);
  constexpr float k = 1.0f / 0.707f;
  return SvfCoefficients::of(g / std::sqrt(a), k, 1.0f, k * (a - 1.0f), a * a - 1.0f);
}

SvfCoefficients bell(float g, float db) noexcept {
  const float a = amplitude(db);
  const float k = 1.0f / ((db < 0.0f ? 1.5f : 0.7f) * a);
  return SvfCoefficients::of(g, k, 1.0f, k * (a * a - 1.0f), 0.0f);
}

SvfCoefficients high_shelf(float g, float db) noexcept {
  const float a = amplitude(db);
  constexpr float k = 1.0f / 0.707f;
  return SvfCoefficients::of(g * std::sqrt(a), k, a * a, k * (1.0f - a) * a, 1.0f - a * a);
}

}  // namespace

void Tone::update() noexcept {
  band_[kBass] = low_shelf(g[kBass], gain_db[kBass].value());
  band_[kMid] = bell(g[kMid], gain_db[kMid].value());
  band_[kTreble] = high_shelf(g[kTreble], gain_db[kTreble].value());
  edge_[0] = SvfCoefficients::of(cut[0].value(), kButterworth, 1.0f, -kButterworth, -1.0f);
  edge_[1] = SvfCoefficients::of(cut[1].value(), kButterworth, 0.0f, 0.0f, 1.0f);
}

void Tone::process(float* audio, int frames) noexcept {
  for (int f = 0; f < frames; ++f) {
    if (until_update_ == 0) {
      update();
      until_update_ = kUpdateFrames;
      for (Smoothed& gain : gain_db) gain.skip(kUpdateFrames);
      for (Smoothed& frequency : cut) frequency.skip(kUpdateFrames);
    }
    --until_update_;
    float x = audio[f];
    for (int b = 0; b < kBands; ++b) x = bands_[b].next(band_[b], x);
    for (int c = 0; c < kCuts; ++c) x += share[c].next() * (cuts_[c].next(edge_[c], x) - x);
    audio[f] = x;
  }
}

void Tone::reset() noexcept {
  for (Smoothed& gain : gain_db) gain.jump(gain.target());
  for (Smoothed& frequency : cut) frequency.jump(frequency.target());
  for (Smoothed& wet : share) wet.jump(wet.target());
  for (Svf& filter : bands_) filter.clear();
  for (Svf& filter : cuts_) filter.clear();
  until_update_ = 0;
}

void Tone::set(int parameter, float value) noexcept {
  if (parameter >= kBass && parameter <= kTreble) {
    gain_db[parameter].aim(value, smoothing_frames);
    return;
  }
  if (parameter != kLowCut && parameter != kHighCut) return;
  const int c = parameter - kLowCut;
  share[c].aim(value > 0.0f ? 1.0f : 0.0f, smoothing_frames);
  // Off: the filter stays where it is and leaves the sound. On again: it is there before it is heard.
  if (value > 0.0f && share[c].value() == 0.0f) cut[c].jump(value);
  if (value > 0.0f) cut[c].aim(value, smoothing_frames);
}

}  // namespace nampedal
