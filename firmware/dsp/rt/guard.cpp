#include "dsp/rt/guard.h"

namespace nampedal {

namespace {

constexpr std::int32_t kLoudestBits = std::bit_cast<std::int32_t>(kLoudest);

}  // namespace

// Integers: a compiler makes vectors of this without being allowed to reorder sums, and NaN compares like a number.
std::int32_t largest_bits(const float* audio, int frames) noexcept {
  std::int32_t largest = 0;
  for (int f = 0; f < frames; ++f) {
    const std::int32_t size = size_bits(audio[f]);
    largest = size > largest ? size : largest;
  }
  return largest;
}

bool is_sound(const float* audio, int frames) noexcept { return largest_bits(audio, frames) <= kLoudestBits; }

void Guard::process(float* audio, int frames) noexcept {
  std::int32_t largest = largest_bits(audio, frames);
  if (largest > kLoudestBits || silent_left_ > 0 || share_.moving()) {
    if (silence(audio, frames)) {
      faults_.store(faults_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }
    largest = largest_bits(audio, frames);
  }
  if (largest > peak_bits_.load(std::memory_order_relaxed)) peak_bits_.store(largest, std::memory_order_relaxed);
}

// Returns whether a sample was no sound.
bool Guard::silence(float* audio, int frames) noexcept {
  bool found = false;
  for (int f = 0; f < frames; ++f) {
    if (size_bits(audio[f]) > kLoudestBits) {
      found = true;
      silent_left_ = silent_frames;
      share_.jump(0.0f);
      audio[f] = 0.0f;
    } else if (silent_left_ > 0) {
      audio[f] = 0.0f;
      if (--silent_left_ == 0) share_.aim(1.0f, fade_frames);
    } else {
      audio[f] *= share_.next();
    }
  }
  return found;
}

void Guard::reset() noexcept {
  silent_left_ = 0;
  share_.jump(1.0f);
  faults_.store(0, std::memory_order_relaxed);
  peak_bits_.store(0, std::memory_order_relaxed);
}

}  // namespace nampedal
