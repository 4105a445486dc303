// What is no sound ends where it was made: numbers that are not finite, and those beyond anything that can be heard.
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>

#include "dsp/rt/smoothed.h"

namespace nampedal {

// +120 dBFS. Every gain, filter and cabinet behind it stays finite.
inline constexpr float kLoudest = 1e6f;

// The size of a sample as the bits of a float: they are in the order of the numbers, infinity and NaN last.
inline std::int32_t size_bits(float sample) noexcept { return std::bit_cast<std::int32_t>(sample) & 0x7fffffff; }

inline bool is_sound(float sample) noexcept { return size_bits(sample) <= std::bit_cast<std::int32_t>(kLoudest); }

// The largest of those.
std::int32_t largest_bits(const float* audio, int frames) noexcept;

bool is_sound(const float* audio, int frames) noexcept;

// Stands behind a block. From the first sample that is no sound until `silent_frames` after the last one there is
// silence, then the block fades in: a network without feedback forgets such a sample bit by bit.
class Guard {
 public:
  // Samples that are no sound become silence. Does not depend on how the audio is cut.
  void process(float* audio, int frames) noexcept;
  void reset() noexcept;

  // Calls of process() that found such a sample, since reset().
  std::uint32_t faults() const noexcept { return faults_.load(std::memory_order_relaxed); }
  // The largest sample that was let through since it was last asked for. Not for the audio thread: on aarch64 the
  // compiler calls a function of its own for it.
  float take_peak() noexcept { return std::bit_cast<float>(peak_bits_.exchange(0, std::memory_order_relaxed)); }

  int silent_frames = 1;
  int fade_frames = 1;

 private:
  bool silence(float* audio, int frames) noexcept;

  int silent_left_ = 0;
  Smoothed share_;
  std::atomic<std::uint32_t> faults_{0};
  std::atomic<std::int32_t> peak_bits_{0};
};

}  // namespace nampedal
