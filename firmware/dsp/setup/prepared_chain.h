// A chain with its memory, its captures and its impulse responses.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "../rt/chain.h"
#include "../rt/resampled.h"
#include "artifact.h"
#include "isa.h"
#include "memory.h"
#include "model.h"

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

  // To the steady state, every parameter where it is wanted. Before the first frame, and after add_*.
  void reset() noexcept { chain_.reset(); }

  Chain& chain() noexcept { return chain_; }
  int max_frames() const noexcept { return max_frames_; }
  int channels() const noexcept { return chain_.channels; }
  double sample_rate() const noexcept { return sample_rate_; }
  // What resampling delays the sound by.
  double latency_frames() const noexcept { return latency_frames_; }
  std::size_t memory_bytes() const noexcept;

 private:
  // make: a block for each channel.
  template <class Make>
  int add(const Make& make);
  Block& make_cabinet(std::span<const float> taps);
  // latency: in frames, of resampling.
  Block& make_amp(const Artifact& artifact, Accuracy accuracy, double& latency);
  int frames(double seconds) const;
  Resampled& resampled_checked(const Artifact& artifact, Model& model);

  double sample_rate_;
  int max_frames_;
  const Kernels& kernels_;
  Memory memory_;
  std::vector<std::unique_ptr<Model>> models_;
  std::vector<Link> links_[kMostChannels];
  double latency_frames_ = 0.0;
  Chain chain_;
};

}  // namespace nampedal
