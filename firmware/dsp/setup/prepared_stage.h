// A stage with its memory and the chains that are on it.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "dsp/rt/stage.h"
#include "dsp/setup/prepared_chain.h"

namespace nampedal {

// For one thread; the audio thread has stage().process().
class PreparedStage {
 public:
  // Throws Error.
  PreparedStage(double sample_rate, int max_frames, int channels);

  // A chain prepared for the same sample rate, blocks and channels, in its steady state. seconds: of the crossfade, or
  // of either half of the dip. False: too many commands are waiting. Throws Error.
  bool go_to(std::shared_ptr<PreparedChain> chain, bool dip, double seconds);

  // Whether the stage may still touch the chain.
  bool has(const PreparedChain& chain) const;

  // Of a chain that was put on the stage and not yet taken off it. False: too many commands are waiting, or it is not
  // there.
  bool set(PreparedChain& chain, int link, int parameter, float value);
  bool set_heard(PreparedChain& chain, int link, bool heard);
  bool mute(bool on) { return stage_.post({.kind = Command::Kind::kMute, .value = on ? 1.0f : 0.0f}); }

  // Frees the chains that nothing plays any more; returns how many are left. Call it now and then.
  std::size_t collect();

  Stage& stage() noexcept { return stage_; }
  int max_frames() const noexcept { return max_frames_; }
  double sample_rate() const noexcept { return sample_rate_; }

 private:
  struct Retired {
    std::shared_ptr<PreparedChain> chain;
    std::uint64_t until;  // blocks: no command that names it can be waiting any more
  };

  bool takes_commands_for(const PreparedChain& chain) const;

  double sample_rate_;
  int max_frames_;
  Memory memory_;
  Stage stage_;
  std::vector<std::shared_ptr<PreparedChain>> chains_;
  std::vector<Retired> retired_;
};

}  // namespace nampedal
