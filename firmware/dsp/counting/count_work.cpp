#include "dsp/counting/count_work.h"

#include "dsp/counting/isas.h"
#include "dsp/setup/errors.h"
#include "dsp/setup/model.h"

namespace nampedal {

namespace {

const CountedIsa& find(const std::string& name) {
  std::string names;
  for (const CountedIsa* isa : kCountedIsas) {
    if (name == isa->kernels.name) return *isa;
    names += (names.empty() ? "" : ", ") + std::string(isa->kernels.name);
  }
  throw Error(Mistake::kIsa, "kernels '" + name + "': nothing is known of what they cost; known are " + names);
}

}  // namespace

std::vector<std::string> counted_isas() {
  std::vector<std::string> names;
  for (const CountedIsa* isa : kCountedIsas) names.emplace_back(isa->kernels.name);
  return names;
}

Counts count_work(const Artifact& artifact, int tier, int frames, const std::string& isa) {
  const CountedIsa& counted = find(isa);
  Memory memory;
  const BuiltNetwork network = build_tier(
      artifact,
      {.tier = tier, .sample_rate = artifact.sample_rate(), .max_frames = frames, .kernels = &counted.kernels}, memory);
  const auto length = static_cast<std::size_t>(frames);
  const std::vector<float> in(length * static_cast<std::size_t>(network.in_channels));
  std::vector<float> out(length * static_cast<std::size_t>(network.out_channels));
  Counter counter(frames, counted.widest);
  network.net->process(in.data(), out.data(), frames, Pass::kPlay);
  network.net->tell_work(counter);
  return counter.finish();
}

}  // namespace nampedal
