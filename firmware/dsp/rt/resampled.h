// A player at another sample rate than the audio's.
#pragma once

#include "dsp/rt/player.h"

namespace nampedal {

// From one rate to another, up / down times as high. Frame n of what comes out stands at n * down / up of what goes in,
// less the filter's delay of taps / 2; its phase has filter coefficients of its own.
class Resampler {
 public:
  // Of what can be made of the frames so far, up to `most`; the rest can be had next time. Returns how many.
  int process(const float* in, int frames, float* out, int most) noexcept;

  // As after endless frames of that value.
  void settle(float value) noexcept;

  int up = 1;
  int down = 1;
  int taps = 0;
  const float* phases = nullptr;  // [up][taps], the oldest frame's first
  float* line = nullptr;          // `kept` frames of the past, then a block
  int kept = 0;                   // >= taps and what the next block may still be asked for

 private:
  int index_ = 0;  // of the frame at or before the next one that comes out; below 0: in the past
  int phase_ = 0;
};

class Resampled final : public Player {
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

  Player* player = nullptr;  // of one channel
  Resampler there;
  Resampler back;
  float* given = nullptr;   // at the player's rate
  float* played = nullptr;  // at the player's rate
  int most_frames = 0;
  int most_given = 0;
};

}  // namespace nampedal
