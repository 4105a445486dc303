#include "prepared_chain.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "../rt/amp.h"
#include "../rt/cabinet.h"
#include "../rt/level.h"
#include "../rt/noise_gate.h"
#include "../rt/tone.h"
#include "resampling.h"

namespace nampedal {

namespace {

constexpr double kSmoothing_s = 0.02;
constexpr double kTierFade_s = 0.005;
// The gate's envelope falls to 1/e in this time: longer than a period of the lowest string.
constexpr double kEnvelope_s = 0.03;

kiss_fftr_cfg transform(Memory& memory, bool inverse) {
  constexpr int kFrames = 2 * Cabinet::kPart;
  std::size_t size = 0;
  kiss_fftr_alloc(kFrames, inverse, nullptr, &size);
  return kiss_fftr_alloc(kFrames, inverse, memory.array<std::byte>(size).data(), &size);
}

// taps: up to Cabinet::kPart of them.
void put_spectrum(std::span<const float> taps, Cabinet& cabinet, float* spectrum) {
  constexpr int n = Cabinet::kBins;
  constexpr float kScale = 1.0f / (2 * Cabinet::kPart);
  std::fill_n(cabinet.scratch, 2 * Cabinet::kPart, 0.0f);
  std::ranges::copy(taps, cabinet.scratch);
  kiss_fftr(cabinet.forward, cabinet.scratch, cabinet.bins);
  for (int i = 0; i < n; ++i) {
    spectrum[i] = kScale * cabinet.bins[i].r;
    spectrum[n + i] = kScale * cabinet.bins[i].i;
  }
}

}  // namespace

void check_audio(const std::string& what, double sample_rate, int max_frames, int channels) {
  if (!(sample_rate >= kMinSampleRate && sample_rate <= kMaxSampleRate)) {
    throw Error(Mistake::kSampleRate, what + ": sample rate is " + std::to_string(sample_rate) + " Hz; allowed are " +
                                          std::to_string(kMinSampleRate) + " to " + std::to_string(kMaxSampleRate));
  }
  if (max_frames < 1 || max_frames > kMaxFrames) {
    throw Error(Mistake::kLimit, what + ": max_frames is " + std::to_string(max_frames) + "; allowed are 1 to " +
                                     std::to_string(kMaxFrames));
  }
  if (channels < 1 || channels > kMostChannels) {
    throw Error(Mistake::kLimit, what + ": channels is " + std::to_string(channels) + "; allowed are 1 to " +
                                     std::to_string(kMostChannels));
  }
}

PreparedChain::PreparedChain(double sample_rate, int max_frames, int channels, const Kernels& kernels)
    : sample_rate_(sample_rate), max_frames_(max_frames), kernels_(kernels) {
  check_audio("chain", sample_rate, max_frames, channels);
  chain_.channels = channels;
  chain_.dry = memory_.floats(static_cast<std::size_t>(max_frames));
  chain_.fade_frames = frames(kSmoothing_s);
}

int PreparedChain::frames(double seconds) const {
  return std::max(1, static_cast<int>(std::lround(seconds * sample_rate_)));
}

template <class Make>
int PreparedChain::add(const Make& make) {
  for (int c = 0; c < chain_.channels; ++c) {
    links_[c].push_back({&make(), {}});
    links_[c].back().wet.jump(1.0f);
    chain_.links[c] = links_[c];
  }
  return static_cast<int>(links_[0].size()) - 1;
}

int PreparedChain::add_gain(float factor) {
  return add([&]() -> Block& {
    Gain& gain = memory_.object<Gain>();
    gain.smoothing_frames = frames(kSmoothing_s);
    gain.factor.jump(factor);
    return gain;
  });
}

int PreparedChain::add_ceiling() {
  return add([&]() -> Block& { return memory_.object<Ceiling>(); });
}

int PreparedChain::add_gate(const NoiseGateSettings& settings) {
  return add([&]() -> Block& {
    NoiseGate& gate = memory_.object<NoiseGate>();
    gate.smoothing_frames = frames(kSmoothing_s);
    gate.threshold.jump(settings.threshold);
    gate.hysteresis = settings.hysteresis;
    gate.decay = static_cast<float>(std::exp(-1.0 / (kEnvelope_s * sample_rate_)));
    gate.opening = 1.0f / static_cast<float>(frames(settings.attack_s));
    gate.closing = static_cast<float>(std::pow(1e-3, 1.0 / frames(settings.release_s)));
    gate.hold_frames = frames(settings.hold_s);
    return gate;
  });
}

int PreparedChain::add_tone() {
  return add([&]() -> Block& {
    Tone& tone = memory_.object<Tone>();
    tone.smoothing_frames = frames(kSmoothing_s);
    for (int band = 0; band < Tone::kBands; ++band) {
      const double frequency = static_cast<double>(Tone::kFrequencies[band]);
      tone.g[band] = static_cast<float>(std::tan(std::numbers::pi * std::min(frequency / sample_rate_, 0.45)));
    }
    return tone;
  });
}

int PreparedChain::add_cabinet(std::span<const float> taps) {
  if (taps.empty() || taps.size() > kMaxTaps) {
    throw Error(Mistake::kLimit,
                "cabinet: has " + std::to_string(taps.size()) + " taps; allowed are 1 to " + std::to_string(kMaxTaps));
  }
  if (!std::ranges::all_of(taps, [](float tap) { return std::isfinite(tap); })) {
    throw Error(Mistake::kValue, "cabinet: a tap is not a finite number");
  }
  return add([&]() -> Block& { return make_cabinet(taps); });
}

Block& PreparedChain::make_cabinet(std::span<const float> taps) {
  constexpr int kPart = Cabinet::kPart;
  Cabinet& cabinet = memory_.object<Cabinet>();
  cabinet.kernels = &kernels_;
  cabinet.forward = transform(memory_, false);
  cabinet.inverse = transform(memory_, true);
  cabinet.bins = memory_.array<kiss_fft_cpx>(Cabinet::kBins).data();
  cabinet.scratch = memory_.floats(2 * kPart);
  cabinet.window = memory_.floats(2 * kPart + kReadSlack);
  cabinet.tail = memory_.floats(kPart);
  cabinet.sum = memory_.floats(Cabinet::kSpectrum);
  float* head = memory_.floats(kPart);
  std::ranges::copy(taps.first(std::min<std::size_t>(taps.size(), kPart)), head);
  cabinet.head = head;
  const std::size_t parts = (taps.size() - 1) / kPart;
  float* spectra = memory_.floats(parts * Cabinet::kSpectrum);
  for (std::size_t part = 0; part < parts; ++part) {
    const auto rest = taps.subspan((part + 1) * kPart);
    put_spectrum(rest.first(std::min<std::size_t>(rest.size(), kPart)), cabinet, spectra + part * Cabinet::kSpectrum);
  }
  cabinet.spectra = spectra;
  cabinet.parts = static_cast<int>(parts);
  cabinet.heard = memory_.floats(parts * Cabinet::kSpectrum);
  return cabinet;
}

int PreparedChain::add_amp(const Artifact& artifact, Accuracy accuracy) {
  double latency = 0.0;
  const int link = add([&]() -> Block& { return make_amp(artifact, accuracy, latency); });
  latency_frames_ += latency;
  return link;
}

Block& PreparedChain::make_amp(const Artifact& artifact, Accuracy accuracy, double& latency) {
  Amp& amp = memory_.object<Amp>();
  amp.tiers = memory_.array<Player*>(static_cast<std::size_t>(artifact.tier_count()));
  for (int tier = 0; tier < artifact.tier_count(); ++tier) {
    const double rate = artifact.sample_rate();
    const int most = rate == sample_rate_ ? max_frames_ : most_frames_at(rate, sample_rate_, max_frames_);
    const Preparation preparation{tier, rate, most, accuracy, &kernels_};
    models_.push_back(std::make_unique<Model>(artifact, preparation));
    Model& model = *models_.back();
    if (model.in_channels() != 1 || model.out_channels() != 1) {
      throw Error(Mistake::kStructure, artifact.name() + ": plays " + std::to_string(model.in_channels()) +
                                           " channels to " + std::to_string(model.out_channels()) +
                                           "; a chain takes captures of one channel");
    }
    Player*& player = amp.tiers[static_cast<std::size_t>(tier)];
    player = &model;
    if (rate == sample_rate_) continue;
    Resampled& wrapped = resampled_checked(artifact, model);
    player = &wrapped;
    if (tier == 0) latency = resampling_latency(wrapped);
  }
  amp.out = memory_.floats(static_cast<std::size_t>(max_frames_));
  amp.out_before = memory_.floats(static_cast<std::size_t>(max_frames_));
  amp.fade_frames = frames(kTierFade_s);
  return amp;
}

Resampled& PreparedChain::resampled_checked(const Artifact& artifact, Model& model) {
  try {
    return resampled(memory_, model, artifact.sample_rate(), sample_rate_, max_frames_);
  } catch (const Error& error) {
    throw Error(error.mistake(), artifact.name() + ": " + error.what());
  }
}

std::size_t PreparedChain::memory_bytes() const noexcept {
  std::size_t bytes = memory_.used();
  for (const auto& model : models_) bytes += model->memory_bytes();
  return bytes;
}

}  // namespace nampedal
