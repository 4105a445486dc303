// Blocks behind each other, each of which can be taken out of the sound and put back.
#pragma once

#include <span>

#include "dsp/rt/block.h"
#include "dsp/rt/guard.h"
#include "dsp/rt/smoothed.h"

namespace nampedal {

struct Link {
  Block* block = nullptr;
  Guard* guard = nullptr;  // behind it
  Smoothed wet;            // 1: the block is heard, 0: its input is
};

inline constexpr int kMaxAudioChannels = 2;

// For each channel a signal.
using Ins = const float* const*;
using Outs = float* const*;

class Chain {
 public:
  // in and out: (channels, frames), may be the same; 1 <= frames <= what it was prepared for. Whatever comes in, and
  // whatever a block makes of it: what comes out is finite.
  void process(Ins in, Outs out, int frames) noexcept;
  void reset() noexcept;

  // A value that is no number is not taken.
  void set(int link, int parameter, float value) noexcept;
  // A block that is not heard does not play, either.
  void set_heard(int link, bool heard) noexcept;

  // Of each channel: the same blocks, each with a past of its own.
  std::span<Link> links[kMaxAudioChannels];
  Guard inputs[kMaxAudioChannels];
  int channels = 1;
  float* dry = nullptr;  // [frame]
  int fade_frames = 1;

 private:
  void play(std::span<Link> blocks, float* audio, int frames) noexcept;
  static void play(Link& link, float* audio, int frames) noexcept;
  bool has(int link) const noexcept { return link >= 0 && link < static_cast<int>(links[0].size()); }
};

}  // namespace nampedal
