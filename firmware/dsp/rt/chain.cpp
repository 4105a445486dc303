#include "dsp/rt/chain.h"

#include <cstring>

#include "dsp/rt/flush_to_zero.h"

namespace nampedal {

void Chain::process(Ins in, Outs out, int frames) noexcept {
  const FlushToZero guard;
  for (int c = 0; c < channels; ++c) {
    if (in[c] != out[c]) std::memcpy(out[c], in[c], sizeof(float) * static_cast<std::size_t>(frames));
    inputs[c].process(out[c], frames);
    play(links[c], out[c], frames);
  }
}

void Chain::play(std::span<Link> blocks, float* audio, int frames) noexcept {
  for (Link& link : blocks) {
    if (!link.wet.moving()) {
      if (link.wet.value() > 0.0f) play(link, audio, frames);
      continue;
    }
    // Only so far as it fades: what is behind that would not be the same bits, nor what the block has heard.
    const int fading = link.wet.left() < frames ? link.wet.left() : frames;
    std::memcpy(dry, audio, sizeof(float) * static_cast<std::size_t>(fading));
    play(link, audio, fading);
    for (int f = 0; f < fading; ++f) audio[f] = dry[f] + link.wet.next() * (audio[f] - dry[f]);
    if (fading < frames && link.wet.value() > 0.0f) play(link, audio + fading, frames - fading);
  }
}

void Chain::play(Link& link, float* audio, int frames) noexcept {
  link.block->process(audio, frames);
  link.guard->process(audio, frames);
}

void Chain::reset() noexcept {
  const FlushToZero guard;
  for (int c = 0; c < channels; ++c) {
    inputs[c].reset();
    for (Link& link : links[c]) {
      link.block->reset();
      link.guard->reset();
      link.wet.jump(link.wet.target());
    }
  }
}

void Chain::set(int link, int parameter, float value) noexcept {
  if (!has(link) || !is_sound(&value, 1)) return;
  for (int c = 0; c < channels; ++c) links[c][static_cast<std::size_t>(link)].block->set(parameter, value);
}

void Chain::set_heard(int link, bool heard) noexcept {
  if (!has(link)) return;
  const float target = heard ? 1.0f : 0.0f;
  for (int c = 0; c < channels; ++c) {
    Smoothed& wet = links[c][static_cast<std::size_t>(link)].wet;
    if (wet.target() != target) wet.aim(target, fade_frames);
  }
}

}  // namespace nampedal
