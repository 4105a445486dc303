// What include/nampedal/engine.h promises, by setup/'s Artifact and Model.
#include "include/nampedal/engine.h"

#include <algorithm>
#include <utility>

#include "dsp/setup/artifact.h"
#include "dsp/setup/bounds.h"
#include "dsp/setup/errors.h"
#include "dsp/setup/model.h"
#include "stomp_generated.h"

namespace nampedal::engine {

namespace {

ErrorKind kind_of(Mistake mistake) noexcept {
  switch (mistake) {
    case Mistake::kUnreadable: return ErrorKind::kUnreadable;
    case Mistake::kNotAnArtifact: return ErrorKind::kNotAnArtifact;
    case Mistake::kFormat: return ErrorKind::kFormat;
    case Mistake::kChecksum: return ErrorKind::kChecksum;
    case Mistake::kStructure: return ErrorKind::kStructure;
    case Mistake::kValue: return ErrorKind::kValue;
    case Mistake::kTier: return ErrorKind::kTier;
    case Mistake::kIsa: return ErrorKind::kIsa;
    case Mistake::kLimit:
    // Of chains and of LiteRT, which are not in this library.
    case Mistake::kSampleRate:
    case Mistake::kBlock:
    case Mistake::kGraph:
    case Mistake::kLiteRtMissing:
    case Mistake::kLiteRtVersion:
    case Mistake::kLiteRtRefused: break;
  }
  return ErrorKind::kLimit;
}

// The errors of setup/ as this library has them.
template <class Make>
auto translated(const Make& make) {
  try {
    return make();
  } catch (const nampedal::Error& error) {
    throw Error(kind_of(error.mistake()), error.what());
  }
}

}  // namespace

// ---- Artifact ----

struct Artifact::Parts {
  explicit Parts(nampedal::Artifact opened) : artifact(std::move(opened)) {
    for (int i = 0; i < artifact.tier_count(); ++i) {
      const stomp::Tier& tier = artifact.tier(i);
      tiers.push_back({.size_below = tier.size_below(),
                       .parameters = tier.parameters(),
                       .macs_per_frame = tier.macs_per_frame(),
                       .receptive_field_frames = tier.receptive_field()});
    }
  }

  nampedal::Artifact artifact;
  std::vector<Tier> tiers;
};

Artifact::Artifact(std::unique_ptr<Parts> parts) noexcept : parts_(std::move(parts)) {}
Artifact::Artifact(Artifact&&) noexcept = default;
Artifact& Artifact::operator=(Artifact&&) noexcept = default;
Artifact::~Artifact() = default;

Artifact Artifact::open(const std::string& path) {
  return Artifact(translated([&] { return std::make_unique<Parts>(nampedal::Artifact::open(path)); }));
}

Artifact Artifact::from_bytes(std::span<const std::byte> bytes, const std::string& name) {
  return Artifact(translated([&] { return std::make_unique<Parts>(nampedal::Artifact::from_bytes(bytes, name)); }));
}

double Artifact::sample_rate() const noexcept { return parts_->artifact.sample_rate(); }
const std::vector<Tier>& Artifact::tiers() const noexcept { return parts_->tiers; }

// ---- Player ----

struct Player::Parts {
  Parts(const nampedal::Artifact& artifact, const Settings& settings)
      : sample_rate(artifact.sample_rate()),
        model(artifact, {.tier = settings.tier,
                         .sample_rate = artifact.sample_rate(),
                         .max_frames = settings.max_frames,
                         .accuracy = settings.exact ? Accuracy::kExact : Accuracy::kFast,
                         .kernels = &choose_kernels(settings.isa)}) {}

  double sample_rate;
  Model model;
};

Player::Player(const Artifact& artifact, const Settings& settings)
    : parts_(translated([&] { return std::make_unique<Parts>(artifact.parts_->artifact, settings); })) {}
Player::Player(Player&&) noexcept = default;
Player& Player::operator=(Player&&) noexcept = default;
Player::~Player() = default;

void Player::process(const float* in, float* out, std::size_t frames) noexcept {
  Model& model = parts_->model;
  const auto most = static_cast<std::size_t>(model.max_frames());
  while (frames > 0) {
    const std::size_t now = std::min(frames, most);
    model.process(in, out, static_cast<int>(now));
    in += now * static_cast<std::size_t>(model.in_channels());
    out += now * static_cast<std::size_t>(model.out_channels());
    frames -= now;
  }
}

void Player::reset() noexcept { parts_->model.reset(); }

double Player::sample_rate() const noexcept { return parts_->sample_rate; }
int Player::in_channels() const noexcept { return parts_->model.in_channels(); }
int Player::out_channels() const noexcept { return parts_->model.out_channels(); }
int Player::max_frames() const noexcept { return parts_->model.max_frames(); }
const char* Player::isa() const noexcept { return parts_->model.isa(); }
std::size_t Player::memory_bytes() const noexcept { return parts_->model.memory_bytes(); }

}  // namespace nampedal::engine
