#include "dsp/setup/prepared_chain.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <type_traits>

#include "dsp/rt/amp.h"
#include "dsp/rt/cabinet.h"
#include "dsp/rt/dc_blocker.h"
#include "dsp/rt/level.h"
#include "dsp/rt/noise_gate.h"
#include "dsp/rt/reblocked.h"
#include "dsp/rt/tone.h"
#include "dsp/setup/resampling.h"

namespace nampedal {

namespace {

constexpr double kSmoothing_s = 0.02;
constexpr double kTierFade_s = 0.005;
// How long a block is silent behind a sample that is no sound: longer than the widest gap between the taps of a common
// network, 512 frames.
constexpr double kSilent_s = 0.02;
// The gate's envelope falls to 1/e in this time: longer than a period of the lowest string.
constexpr double kEnvelope_s = 0.03;

// taps: up to Cabinet::kPart of them.
void put_spectrum(std::span<const float> taps, Cabinet& cabinet, float* spectrum) {
  constexpr float kScale = 1.0f / Cabinet::Transform::kFrames;
  std::fill_n(cabinet.scratch, 2 * Cabinet::kPart, 0.0f);
  std::ranges::copy(taps, cabinet.scratch);
  cabinet.transform->forward(cabinet.scratch, cabinet.work, spectrum);
  for (int i = 0; i < Cabinet::kSpectrum; ++i) spectrum[i] *= kScale;
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
  if (channels < 1 || channels > kMaxAudioChannels) {
    throw Error(Mistake::kLimit, what + ": channels is " + std::to_string(channels) + "; allowed are 1 to " +
                                     std::to_string(kMaxAudioChannels));
  }
}

PreparedChain::PreparedChain(double sample_rate, int max_frames, int channels, const Kernels& kernels)
    : sample_rate_(sample_rate), max_frames_(max_frames), kernels_(kernels) {
  check_audio("chain", sample_rate, max_frames, channels);
  chain_.channels = channels;
  chain_.dry = memory_.floats(static_cast<std::size_t>(max_frames));
  chain_.fade_frames = frames(kSmoothing_s);
  for (Guard& guard : chain_.inputs) prepare_guard(guard);
}

int PreparedChain::frames(double seconds) const {
  return std::max(1, static_cast<int>(std::lround(seconds * sample_rate_)));
}

void PreparedChain::prepare_guard(Guard& guard) const {
  guard.silent_frames = frames(kSilent_s);
  guard.fade_frames = frames(kSmoothing_s);
  guard.reset();
}

template <class Make>
int PreparedChain::add(const Make& make) {
  for (int c = 0; c < chain_.channels; ++c) {
    Block* block = nullptr;
    if constexpr (std::is_invocable_v<Make, int>) {
      block = &make(c);
    } else {
      block = &make();
    }
    Guard& guard = memory_.object<Guard>();
    prepare_guard(guard);
    links_[c].push_back({.block = block, .guard = &guard, .wet = {}});
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
  cabinet.transform = &transform_;
  cabinet.work = memory_.array<Cabinet::Transform::Complex>(Cabinet::Transform::kFrames).data();
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
  Amp& amp = make_empty_amp(artifact.tier_count());
  for (int tier = 0; tier < artifact.tier_count(); ++tier) {
    const double rate = artifact.sample_rate();
    const int most = rate == sample_rate_ ? max_frames_ : most_frames_at(rate, sample_rate_, max_frames_);
    const Preparation preparation{.tier = tier,
                                  .sample_rate = rate,
                                  .max_frames = most,
                                  .accuracy = accuracy,
                                  .kernels = &kernels_,
                                  .together = &together_};
    models_.push_back(std::make_unique<Model>(artifact, preparation));
    // All of them are late by the same.
    latency = 0.0;
    amp.tiers[static_cast<std::size_t>(tier)] = &at_own_rate(artifact.name(), rate, *models_.back(), latency);
  }
  return amp;
}

int PreparedChain::add_player(const std::string& name, double rate,
                              const std::function<std::shared_ptr<Player>()>& make) {
  double latency = 0.0;
  const int link = add([&]() -> Block& { return make_reblocked(name, rate, make(), latency); });
  latency_frames_ += latency;
  return link;
}

Block& PreparedChain::make_reblocked(const std::string& name, double rate, std::shared_ptr<Player> player,
                                     double& latency) {
  players_.push_back(std::move(player));
  Reblocked& reblocked = memory_.object<Reblocked>();
  reblocked.player = players_.back().get();
  reblocked.block_frames = reblocked.player->max_frames();
  reblocked.most_frames = rate == sample_rate_ ? max_frames_ : most_frames_at(rate, sample_rate_, max_frames_);
  for (float** block : {&reblocked.given, &reblocked.played}) {
    *block = memory_.floats(static_cast<std::size_t>(reblocked.block_frames));
  }
  reblocked.reset();
  latency = reblocked.block_frames * sample_rate_ / rate;
  Amp& amp = make_empty_amp(1);
  amp.tiers[0] = &at_own_rate(name, rate, reblocked, latency);
  return amp;
}

Amp& PreparedChain::make_empty_amp(int tiers) {
  Amp& amp = memory_.object<Amp>();
  amp.tiers = memory_.array<Player*>(static_cast<std::size_t>(tiers));
  amp.out = memory_.floats(static_cast<std::size_t>(max_frames_));
  amp.out_before = memory_.floats(static_cast<std::size_t>(max_frames_));
  amp.fade_frames = frames(kTierFade_s);
  return amp;
}

Player& PreparedChain::at_own_rate(const std::string& name, double rate, Player& player, double& latency) {
  if (player.in_channels() != 1 || player.out_channels() != 1) {
    throw Error(Mistake::kStructure, name + ": plays " + std::to_string(player.in_channels()) + " channels to " +
                                         std::to_string(player.out_channels()) +
                                         "; a chain takes captures of one channel");
  }
  if (rate == sample_rate_) return player;
  try {
    Resampled& wrapped = resampled(memory_, player, rate, sample_rate_, max_frames_);
    latency += resampling_latency(wrapped);
    return wrapped;
  } catch (const Error& error) {
    throw Error(error.mistake(), name + ": " + error.what());
  }
}

int PreparedChain::add_dc_blocker() {
  return add([&](int channel) -> Block& {
    const double g = std::tan(std::numbers::pi * DcBlocker::kCorner_hz / sample_rate_);
    DcBlocker& blocker = memory_.object<DcBlocker>();
    blocker.before = links_[channel].empty() ? nullptr : links_[channel].back().block;
    blocker.share = g / (1.0 + g);
    blocker.reset();
    return blocker;
  });
}

std::uint32_t PreparedChain::faults(int link) const noexcept {
  std::uint32_t faults = 0;
  for (int c = 0; c < chain_.channels; ++c) {
    faults += link < 0 ? chain_.inputs[c].faults() : links_[c][static_cast<std::size_t>(link)].guard->faults();
  }
  return faults;
}

float PreparedChain::take_peak(int link) noexcept {
  float peak = 0.0f;
  for (int c = 0; c < chain_.channels; ++c) {
    peak = std::max(peak, links_[c][static_cast<std::size_t>(link)].guard->take_peak());
  }
  return peak;
}

std::size_t PreparedChain::memory_bytes() const noexcept {
  std::size_t bytes = memory_.used();
  for (const auto& model : models_) bytes += model->memory_bytes();
  for (const auto& player : players_) bytes += player->memory_bytes();
  return bytes;
}

}  // namespace nampedal
