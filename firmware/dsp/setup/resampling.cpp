#include "dsp/setup/resampling.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <string>
#include <vector>

namespace nampedal {

namespace {

// Frames that a filter is long, of the lower of both rates.
constexpr int kFilterFrames = 32;
// Kaiser's window: what is above half the lower rate is 80 dB down (J. F. Kaiser 1974).
constexpr double kBeta = 8.0;
// The middle of the slope, of half the lower rate.
constexpr double kCutoff = 0.97;
constexpr int kMaxPhases = 1024;

double kaiser(double at) {
  return std::cyl_bessel_i(0.0, kBeta * std::sqrt(std::max(0.0, 1.0 - at * at))) / std::cyl_bessel_i(0.0, kBeta);
}

double sinc(double x) { return x == 0.0 ? 1.0 : std::sin(std::numbers::pi * x) / (std::numbers::pi * x); }

void prepare(Memory& memory, Resampler& resampler, int up, int down, int max_frames) {
  const double slower = std::min(1.0, static_cast<double>(up) / down);
  resampler.up = up;
  resampler.down = down;
  resampler.taps = (static_cast<int>(std::ceil(kFilterFrames / slower)) + 3) / 4 * 4;
  resampler.kept = resampler.taps + down / up + 4;
  const auto taps = static_cast<std::size_t>(resampler.taps);
  float* phases = memory.floats(static_cast<std::size_t>(up) * taps);
  std::vector<double> filter(taps);
  for (int phase = 0; phase < up; ++phase) {
    const double half = 0.5 * resampler.taps;
    for (std::size_t k = 0; k < taps; ++k) {
      const double at = static_cast<double>(taps - 1 - k) + static_cast<double>(phase) / up - half;
      filter[k] = sinc(kCutoff * slower * at) * kaiser(at / half);
    }
    // Every phase passes a constant as it is.
    const double sum = std::accumulate(filter.begin(), filter.end(), 0.0);
    std::ranges::transform(filter, phases + static_cast<std::size_t>(phase) * taps,
                           [&](double tap) { return static_cast<float>(tap / sum); });
  }
  resampler.phases = phases;
  resampler.line = memory.floats(static_cast<std::size_t>(resampler.kept + max_frames));
}

}  // namespace

int most_frames_at(double rate, double audio_rate, int frames) {
  return static_cast<int>(std::ceil(frames * rate / audio_rate)) + 1;
}

Resampled& resampled(Memory& memory, Player& player, double rate, double audio_rate, int max_frames) {
  const auto from = std::llround(audio_rate);
  const auto to = std::llround(rate);
  const auto common = std::gcd(from, to);
  if (static_cast<double>(from) != audio_rate || static_cast<double>(to) != rate ||
      std::max(from, to) / common > kMaxPhases) {
    throw Error(Mistake::kSampleRate, "runs at " + std::to_string(rate) + " Hz, which can't be made of " +
                                          std::to_string(audio_rate) + " Hz; run JACK at 44100, 48000 or 96000 Hz");
  }
  Resampled& result = memory.object<Resampled>();
  result.player = &player;
  result.most_frames = max_frames;
  result.most_given = most_frames_at(rate, audio_rate, max_frames);
  result.given = memory.floats(static_cast<std::size_t>(result.most_given));
  result.played = memory.floats(static_cast<std::size_t>(result.most_given));
  const auto up = static_cast<int>(to / common);
  const auto down = static_cast<int>(from / common);
  prepare(memory, result.there, up, down, max_frames);
  prepare(memory, result.back, down, up, result.most_given);
  // In the steady state, as the player is.
  result.back.settle(player.rest());
  return result;
}

double resampling_latency(const Resampled& player) {
  const double ratio = static_cast<double>(player.there.down) / player.there.up;
  return 0.5 * player.there.taps + 0.5 * player.back.taps * ratio;
}

}  // namespace nampedal
