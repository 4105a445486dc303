// A whole chain around a captured amplifier: whatever the artifact and the input, what leaves the ceiling is a sound,
// the same however it is cut, and the same again behind a reset.
#include <cmath>
#include <limits>

#include "dsp/rt/amp.h"
#include "dsp/rt/level.h"
#include "dsp/rt/tone.h"
#include "dsp/setup/errors.h"
#include "dsp/setup/prepared_chain.h"
#include "fuzz.h"

using namespace nampedal;

namespace {

constexpr int kBlockFrames = 64;
// Parameters move between steps, wherever blocks are cut.
constexpr int kStep = 64;
constexpr int kSteps = 4;
constexpr double kRates[] = {48'000.0, 44'100.0, 96'000.0, 8'000.0, 192'000.0, 22'050.0};
constexpr float kNoNumbers[] = {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                                -std::numeric_limits<float>::infinity(), std::numeric_limits<float>::max()};

struct Links {
  int gain;
  int amp;
  int tone;
};

Links add_blocks(PreparedChain& chain, const Artifact& artifact, const std::uint8_t* options) {
  Links links{};
  links.gain = chain.add_gain(1.0f);
  if (options[4] % 2 == 0)
    chain.add_gate({.threshold = 0.01f, .hysteresis = 0.5f, .attack_s = 0.001, .hold_s = 0.001, .release_s = 0.01});
  links.amp = chain.add_amp(artifact, Accuracy::kFast);
  if (options[4] % 16 == 1) chain.add_amp(artifact, Accuracy::kFast);
  links.tone = chain.add_tone();
  if (options[4] % 4 == 2) {
    std::vector<float> taps(300, 0.0f);
    taps[0] = 1.0f;
    taps[299] = -0.5f;
    chain.add_cabinet(taps);
  }
  chain.add_ceiling();
  return links;
}

// step: what is played next; behind the last one all is as it was before the first.
void set(Chain& chain, const Links& links, int step, const std::uint8_t* options) {
  const bool moved = step == 1 || step == 2;
  chain.set(links.amp, Amp::kTier, moved ? static_cast<float>(options[6] % 4) : 0.0f);
  chain.set(links.tone, Tone::kBass, moved ? static_cast<float>(options[7] % 41) - 20.0f : 0.0f);
  // A cut that is off stays where it was, reset or not.
  chain.set(links.tone, Tone::kHighCut, moved && options[7] % 2 == 0 ? 0.5f : 0.3f);
  chain.set(links.gain, Gain::kFactor, moved ? 4.0f : 1.0f);
  chain.set_heard(links.amp, step != 2 || options[6] % 8 != 0);
}

std::vector<float> play(PreparedChain& chain, const Links& links, const std::vector<float>& in,
                        const std::uint8_t* options, unsigned which) {
  constexpr std::size_t kFrames = kSteps * kStep;
  std::vector<float> out(in.size());
  std::size_t done = 0;
  for (int step = 0; step < kSteps; ++step) {
    set(chain.chain(), links, step, options);
    for (const int length : fuzz::cuts(kStep, kBlockFrames, which)) {
      const float* ins[kMaxAudioChannels] = {&in[done], &in[(kFrames + done) % in.size()]};
      float* outs[kMaxAudioChannels] = {&out[done], &out[(kFrames + done) % out.size()]};
      chain.chain().process(ins, outs, length);
      done += static_cast<std::size_t>(length);
    }
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < fuzz::kOptionBytes) return 0;
  const std::uint8_t* options = data;
  try {
    const auto* bytes = reinterpret_cast<const std::byte*>(data) + fuzz::kOptionBytes;
    const Artifact artifact = Artifact::from_bytes({bytes, size - fuzz::kOptionBytes}, "mutant");
    const std::vector<const Kernels*> all = available_kernels();
    const double own = artifact.sample_rate();
    const double rate = options[3] % 8 < std::size(kRates) ? kRates[options[3] % 8] : own;
    const int channels = 1 + options[1] % 2;
    PreparedChain chain(rate, kBlockFrames, channels, *all[options[0] % all.size()]);
    const Links links = add_blocks(chain, artifact, options);
    set(chain.chain(), links, 0, options);
    chain.reset();
    auto in = fuzz::test_signal(static_cast<std::size_t>(channels) * kSteps * kStep, options[2]);
    if (options[5] % 4 == 0) in[options[5] / 4] = kNoNumbers[options[2] % std::size(kNoNumbers)];
    const auto whole = play(chain, links, in, options, 0);
    for (const float sample : whole) {
      if (!(std::fabs(sample) <= 1.0f)) fuzz::fault("a sample behind the ceiling is " + std::to_string(sample));
    }
    set(chain.chain(), links, 0, options);
    chain.reset();
    fuzz::check_same(whole, play(chain, links, in, options, 1 + options[2] % 8u), "cut in another way behind a reset");
    ++fuzz::played;
  } catch (const Error& error) {
    fuzz::check_message(error.what(), "mutant");
    ++fuzz::refused;
  }
  return 0;
}
