#include "chain.h"

#include <cstring>

#include "flush_to_zero.h"

namespace nampedal {

void Chain::process(Ins in, Outs out, int frames) noexcept {
  const FlushToZero guard;
  for (int c = 0; c < channels; ++c) {
    if (in[c] != out[c]) std::memcpy(out[c], in[c], sizeof(float) * static_cast<std::size_t>(frames));
    play(links[c], out[c], frames);
  }
}

void Chain::play(std::span<Link> blocks, float* audio, int frames) noexcept {
  for (Link& link : blocks) {
    if (!link.wet.moving()) {
      if (link.wet.value() > 0.0f) link.block->process(audio, frames);
      continue;
    }
    std::memcpy(dry, audio, sizeof(float) * static_cast<std::size_t>(frames));
    link.block->process(audio, frames);
    for (int f = 0; f < frames; ++f) audio[f] = dry[f] + link.wet.next() * (audio[f] - dry[f]);
  }
}

void Chain::reset() noexcept {
  const FlushToZero guard;
  for (int c = 0; c < channels; ++c) {
    for (Link& link : links[c]) {
      link.block->reset();
      link.wet.jump(link.wet.target());
    }
  }
}

void Chain::set(int link, int parameter, float value) noexcept {
  if (!has(link)) return;
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
