#include "dsp/setup/model.h"

#include <sstream>

#include "dsp/rt/flush_to_zero.h"
#include "stomp_generated.h"

namespace nampedal {

BuiltNetwork build_tier(const Artifact& artifact, const Preparation& preparation, Memory& memory) {
  if (preparation.sample_rate != artifact.sample_rate()) {
    std::ostringstream text;
    text << artifact.name() << ": runs at " << artifact.sample_rate() << " Hz; " << preparation.sample_rate
         << " Hz were asked for: resample the audio";
    throw Error(Mistake::kSampleRate, text.str());
  }
  if (preparation.max_frames < 1 || preparation.max_frames > kMaxFrames) {
    throw Error(Mistake::kLimit, "max_frames is " + std::to_string(preparation.max_frames) + "; allowed are 1 to " +
                                     std::to_string(kMaxFrames));
  }
  const stomp::Tier& tier = artifact.tier(preparation.tier);
  try {
    return build_network(tier.network(), {.memory = memory,
                                          .kernels = *preparation.kernels,
                                          .accuracy = preparation.accuracy,
                                          .max_frames = preparation.max_frames,
                                          .general = preparation.general});
  } catch (const Error& error) {
    throw Error(error.mistake(), artifact.name() + ": tier " + std::to_string(preparation.tier) + ": " + error.what());
  }
}

Model::Model(const Artifact& artifact, const Preparation& preparation)
    : memory_(preparation.together),
      network_(build_tier(artifact, preparation, memory_)),
      max_frames_(preparation.max_frames),
      isa_(preparation.kernels->name),
      silence_(memory_.floats(static_cast<std::size_t>(network_.in_channels))),
      settled_(memory_.floats(static_cast<std::size_t>(network_.out_channels))) {
  reset();
}

void Model::process(const float* in, float* out, int frames) noexcept {
  const FlushToZero guard;
  network_.net->process(in, out, frames, Pass::kPlay);
}

void Model::reset() noexcept {
  const FlushToZero guard;
  network_.net->clear();
  network_.net->process(silence_, settled_, 1, Pass::kSettle);
}

}  // namespace nampedal
