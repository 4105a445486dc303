#include "chain.h"

#include <cstring>

#include "flush_to_zero.h"

namespace nampedal {

void Chain::process(const float* in, float* out, int frames) noexcept {
  const FlushToZero guard;
  const std::size_t bytes = sizeof(float) * static_cast<std::size_t>(frames);
  if (in != out) std::memcpy(out, in, bytes);
  for (Link& link : links) {
    if (!link.wet.moving()) {
      if (link.wet.value() > 0.0f) link.block->process(out, frames);
      continue;
    }
    std::memcpy(dry, out, bytes);
    link.block->process(out, frames);
    for (int f = 0; f < frames; ++f) out[f] = dry[f] + link.wet.next() * (out[f] - dry[f]);
  }
}

void Chain::reset() noexcept {
  const FlushToZero guard;
  for (Link& link : links) {
    link.block->reset();
    link.wet.jump(link.wet.target());
  }
}

void Chain::set(int link, int parameter, float value) noexcept {
  if (has(link)) links[static_cast<std::size_t>(link)].block->set(parameter, value);
}

void Chain::set_heard(int link, bool heard) noexcept {
  if (!has(link)) return;
  Smoothed& wet = links[static_cast<std::size_t>(link)].wet;
  if (wet.target() != (heard ? 1.0f : 0.0f)) wet.aim(heard ? 1.0f : 0.0f, fade_frames);
}

}  // namespace nampedal
