// One tier of an artifact, prepared: the network, its memory and its state.
#pragma once

#include "dsp/rt/player.h"
#include "dsp/setup/artifact.h"
#include "dsp/setup/build.h"
#include "dsp/setup/isa.h"
#include "dsp/setup/memory.h"

namespace nampedal {

struct Preparation {
  int tier = 0;              // 0: full
  double sample_rate = 0.0;  // of the audio; must be the artifact's
  int max_frames = 0;
  Accuracy accuracy = Accuracy::kFast;
  const Kernels* kernels = nullptr;
  bool general = false;        // the general path, even where a faster one gives the same bits
  Budget* together = nullptr;  // with other models
};

// The network of a tier, in this memory. Throws Error, its text beginning with the artifact's name.
BuiltNetwork build_tier(const Artifact& artifact, const Preparation& preparation, Memory& memory);

class Model final : public Player {
 public:
  // Copies what it needs: the artifact may go. Ends in the steady state. Throws Error.
  Model(const Artifact& artifact, const Preparation& preparation);

  // Real-time safe, for any block from one frame on.
  void process(const float* in, float* out, int frames) noexcept override;

  // Bounded by the network's size; an LSTM runs its prewarm.
  void reset() noexcept override;

  float rest() const noexcept override { return settled_[0]; }

  int in_channels() const noexcept override { return network_.in_channels; }
  int out_channels() const noexcept override { return network_.out_channels; }
  int min_frames() const noexcept override { return 1; }
  int max_frames() const noexcept override { return max_frames_; }
  const char* isa() const noexcept override { return isa_; }
  std::size_t memory_bytes() const noexcept override { return memory_.used(); }

 private:
  Memory memory_;
  BuiltNetwork network_;
  int max_frames_;
  const char* isa_;
  float* silence_;
  float* settled_;
};

}  // namespace nampedal
