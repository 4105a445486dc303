// Blocks behind each other, each of which can be taken out of the sound and put back.
#pragma once

#include <span>

#include "block.h"
#include "smoothed.h"

namespace nampedal {

struct Link {
  Block* block = nullptr;
  Smoothed wet;  // 1: the block is heard, 0: its input is
};

class Chain {
 public:
  // in and out: (frames,), may be the same; 1 <= frames <= what it was prepared for.
  void process(const float* in, float* out, int frames) noexcept;
  void reset() noexcept;

  void set(int link, int parameter, float value) noexcept;
  // A block that is not heard does not play, either.
  void set_heard(int link, bool heard) noexcept;

  std::span<Link> links;
  float* dry = nullptr;  // [frame]
  int fade_frames = 1;

 private:
  bool has(int link) const noexcept { return link >= 0 && link < static_cast<int>(links.size()); }
};

}  // namespace nampedal
