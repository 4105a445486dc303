// A chain with its memory, its captures and its impulse responses.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dsp/rt/cabinet.h"
#include "dsp/rt/chain.h"
#include "dsp/rt/resampled.h"
#include "dsp/setup/artifact.h"
#include "dsp/setup/isa.h"
#include "dsp/setup/memory.h"
#include "dsp/setup/model.h"

namespace nampedal {

struct NoiseGateSettings {
  float threshold = 0.0f;   // of full scale
  float hysteresis = 1.0f;  // times the threshold: where it closes
  double attack_s = 0.0;
  double hold_s = 0.0;
  double release_s = 0.0;  // to 60 dB less
};

// Throws Error where the engine does not play such audio. what: for the text.
void check_audio(const std::string& what, double sample_rate, int max_frames, int channels);

class Amp;

class PreparedChain {
 public:
  // Throws Error.
  PreparedChain(double sample_rate, int max_frames, int channels, const Kernels& kernels);

  // Each adds a block behind the others, one for each channel, and returns its number.
  int add_gain(float factor);
  int add_ceiling();
  int add_gate(const NoiseGateSettings& settings);
  int add_tone();
  // taps: at the chain's sample rate, 1 to kMaxTaps. Throws Error.
  int add_cabinet(std::span<const float> taps);
  // All tiers of a capture of one channel, resampled where it runs at another rate. Throws Error.
  int add_amp(const Artifact& artifact, Accuracy accuracy);
  // A player of one channel at that rate, in blocks of its own length, one of which it is late by. make: one for each
  // channel. name: for errors. Throws Error.
  int add_player(const std::string& name, double rate, const std::function<std::shared_ptr<Player>()>& make);
  // Behind what was added last.
  int add_dc_blocker();

  // To the steady state, every parameter where it is wanted. Before the first frame, and after add_*.
  void reset() noexcept { chain_.reset(); }

  Chain& chain() noexcept { return chain_; }
  int max_frames() const noexcept { return max_frames_; }
  int channels() const noexcept { return chain_.channels; }
  int links() const noexcept { return static_cast<int>(links_[0].size()); }
  double sample_rate() const noexcept { return sample_rate_; }
  // Of a link, of all channels: blocks in which it made what is no sound, since reset(). -1: the input.
  std::uint32_t faults(int link) const noexcept;
  // The largest sample that it played since it was last asked for.
  float take_peak(int link) noexcept;
  // What resampling, and blocks of another length, delay the sound by.
  double latency_frames() const noexcept { return latency_frames_; }
  std::size_t memory_bytes() const noexcept;

 private:
  void prepare_guard(Guard& guard) const;
  // make: a block for each channel; it is told which.
  template <class Make>
  int add(const Make& make);
  Block& make_cabinet(std::span<const float> taps);
  // latency: in frames, of resampling.
  Block& make_amp(const Artifact& artifact, Accuracy accuracy, double& latency);
  int frames(double seconds) const;
  // latency: in frames, of its blocks and of resampling.
  Block& make_reblocked(const std::string& name, double rate, std::shared_ptr<Player> player, double& latency);
  // An Amp without tiers.
  Amp& make_empty_amp(int tiers);
  // The player at the chain's rate.
  Player& at_own_rate(const std::string& name, double rate, Player& player, double& latency);

  double sample_rate_;
  int max_frames_;
  const Kernels& kernels_;
  Budget together_{"a chain"};
  Memory memory_{&together_};
  Cabinet::Transform transform_;  // of all cabinets
  std::vector<std::unique_ptr<Model>> models_;
  std::vector<std::shared_ptr<Player>> players_;
  std::vector<Link> links_[kMaxAudioChannels];
  double latency_frames_ = 0.0;
  Chain chain_;
};

}  // namespace nampedal
