// A player of blocks of one length, for audio in blocks of any: one of its blocks later.
#pragma once

#include "dsp/rt/player.h"

namespace nampedal {

class Reblocked final : public Player {
 public:
  void process(const float* in, float* out, int frames) noexcept override;
  void reset() noexcept override;
  float rest() const noexcept override { return player->rest(); }

  int in_channels() const noexcept override { return 1; }
  int out_channels() const noexcept override { return 1; }
  int min_frames() const noexcept override { return 1; }
  int max_frames() const noexcept override { return most_frames; }
  const char* isa() const noexcept override { return player->isa(); }
  std::size_t memory_bytes() const noexcept override { return player->memory_bytes(); }

  Player* player = nullptr;  // of one channel, in blocks of block_frames and no other
  int block_frames = 0;
  int most_frames = 0;
  float* given = nullptr;   // [block_frames]
  float* played = nullptr;  // [block_frames]

 private:
  int at_ = 0;  // in both
};

}  // namespace nampedal
