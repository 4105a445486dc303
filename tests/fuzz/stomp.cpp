// The .stomp loader and its players: any bytes give an Error, or a model that plays the same bits however it is cut.
#include <algorithm>
#include <cstdio>

#include "dsp/setup/artifact.h"
#include "dsp/setup/errors.h"
#include "dsp/setup/model.h"
#include "fuzz.h"

using namespace nampedal;

namespace {

constexpr int kBlockFrames = 64;
// A network near the limit of memory takes its time for each frame.
constexpr std::size_t kLarge = std::size_t{4} << 20;
constexpr int kPlayedTiers = 4;

std::vector<float> play(Model& model, const std::vector<float>& in, int frames, unsigned which) {
  std::vector<float> out(static_cast<std::size_t>(frames * model.out_channels()));
  int done = 0;
  for (const int length : fuzz::cuts(frames, kBlockFrames, which)) {
    model.process(&in[static_cast<std::size_t>(done * model.in_channels())],
                  &out[static_cast<std::size_t>(done * model.out_channels())], length);
    done += length;
  }
  return out;
}

void play_tier(const Artifact& artifact, int tier, const std::uint8_t* options) {
  const std::vector<const Kernels*> all = available_kernels();
  Preparation preparation{.tier = tier,
                          .sample_rate = artifact.sample_rate(),
                          .max_frames = kBlockFrames,
                          .kernels = all[options[0] % all.size()]};
  if (options[1] % 4 == 0) preparation.accuracy = Accuracy::kExact;
  Model model(artifact, preparation);
  const int frames = model.memory_bytes() > kLarge ? 20 : 128;
  const auto in = fuzz::test_signal(static_cast<std::size_t>(frames * model.in_channels()), options[2]);
  const auto whole = play(model, in, frames, 0);
  model.reset();
  const std::string which = "tier " + std::to_string(tier) + ", " + model.isa();
  fuzz::check_same(whole, play(model, in, frames, 1 + options[3] % 8u), which + ", cut in another way behind a reset");
  if (options[4] % 4 != 0) return;
  preparation.general = true;
  Model general(artifact, preparation);
  fuzz::check_same(whole, play(general, in, frames, 0), which + ", by the general path");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < fuzz::kOptionBytes) return 0;
  try {
    const auto* bytes = reinterpret_cast<const std::byte*>(data) + fuzz::kOptionBytes;
    const Artifact artifact = Artifact::from_bytes({bytes, size - fuzz::kOptionBytes}, "mutant");
    for (int tier = 0; tier < std::min(artifact.tier_count(), kPlayedTiers); ++tier) play_tier(artifact, tier, data);
    ++fuzz::played;
  } catch (const Error& error) {
    fuzz::check_message(error.what(), "mutant");
    ++fuzz::refused;
  }
  return 0;
}
