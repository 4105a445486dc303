#include "dsp/setup/prepared_stage.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>

namespace nampedal {

namespace {

constexpr double kMute_s = 0.02;
// What listeners may be late by.
constexpr double kTap_s = 2.0;

int frames_of(double seconds, double sample_rate) {
  return std::max(1, static_cast<int>(std::lround(seconds * sample_rate)));
}

// The first member's value, so that nothing is allocated for what is not played. Throws Error.
double checked_sample_rate(double sample_rate, int max_frames, int channels) {
  check_audio("stage", sample_rate, max_frames, channels);
  return sample_rate;
}

StageMemory stage_memory(Memory& memory, double sample_rate, int max_frames, int channels) {
  StageMemory made;
  for (int c = 0; c < channels; ++c) {
    made.scratch[c] = memory.floats(static_cast<std::size_t>(max_frames));
    made.sounds[c] = memory.floats(static_cast<std::size_t>(max_frames));
  }
  made.tap_frames = std::bit_ceil(static_cast<std::size_t>(frames_of(kTap_s, sample_rate)));
  made.tap = memory.floats(2 * static_cast<std::size_t>(channels) * made.tap_frames);
  return made;
}

}  // namespace

PreparedStage::PreparedStage(double sample_rate, int max_frames, int channels)
    : sample_rate_(checked_sample_rate(sample_rate, max_frames, channels)),
      max_frames_(max_frames),
      stage_(channels, frames_of(kMute_s, sample_rate), stage_memory(memory_, sample_rate, max_frames, channels)) {}

bool PreparedStage::go_to(std::shared_ptr<PreparedChain> chain, bool dip, double seconds) {
  if (chain->sample_rate() != sample_rate_ || chain->max_frames() != max_frames_) {
    throw Error(Mistake::kSampleRate, "stage: plays at " + std::to_string(sample_rate_) + " Hz in blocks of up to " +
                                          std::to_string(max_frames_) + " frames; the chain was prepared for " +
                                          std::to_string(chain->sample_rate()) + " Hz and " +
                                          std::to_string(chain->max_frames()));
  }
  if (chain->channels() != stage_.channels()) {
    throw Error(Mistake::kValue, "stage: has " + std::to_string(stage_.channels()) + " channels; the chain has " +
                                     std::to_string(chain->channels()));
  }
  if (has(*chain)) throw Error(Mistake::kValue, "stage: the chain is on the stage already; prepare another");
  const Command::Kind kind = dip ? Command::Kind::kDip : Command::Kind::kCrossfade;
  if (!stage_.post({.kind = kind, .chain = &chain->chain(), .frames = frames_of(seconds, sample_rate_)})) return false;
  chains_.push_back(std::move(chain));
  return true;
}

bool PreparedStage::takes_commands_for(const PreparedChain& chain) const {
  return std::ranges::any_of(chains_, [&](const auto& one) { return one.get() == &chain; });
}

bool PreparedStage::has(const PreparedChain& chain) const {
  return takes_commands_for(chain) ||
         std::ranges::any_of(retired_, [&](const auto& one) { return one.chain.get() == &chain; });
}

bool PreparedStage::set(PreparedChain& chain, int link, int parameter, float value) {
  if (!takes_commands_for(chain)) return false;
  return stage_.post(
      {.kind = Command::Kind::kSet, .chain = &chain.chain(), .link = link, .parameter = parameter, .value = value});
}

bool PreparedStage::set_heard(PreparedChain& chain, int link, bool heard) {
  if (!takes_commands_for(chain)) return false;
  return stage_.post(
      {.kind = Command::Kind::kHeard, .chain = &chain.chain(), .link = link, .value = heard ? 1.0f : 0.0f});
}

std::size_t PreparedStage::collect() {
  const std::uint64_t now = stage_.blocks();
  while (const Chain* gone = stage_.take_retired()) {
    const auto at = std::ranges::find_if(chains_, [&](const auto& one) { return &one->chain() == gone; });
    // A command may wait that was posted before: a whole block, begun after now, will have done it.
    retired_.push_back({.chain = std::move(*at), .until = now + 2});
    chains_.erase(at);
  }
  std::erase_if(retired_, [&](const Retired& one) { return one.until <= now; });
  return chains_.size() + retired_.size();
}

}  // namespace nampedal
