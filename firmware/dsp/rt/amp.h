// One capture in a chain: its tiers, of which one plays.
#pragma once

#include <span>

#include "dsp/rt/block.h"
#include "dsp/rt/player.h"
#include "dsp/rt/smoothed.h"

namespace nampedal {

class Amp final : public Block {
 public:
  // kTier: 0 is full; what is above the last is the last.
  enum Parameter { kTier };

  void process(float* audio, int frames) noexcept override;
  void reset() noexcept override;
  float rest() const noexcept override { return tiers[static_cast<std::size_t>(tier_)]->rest(); }
  void set(int parameter, float value) noexcept override;

  int tier() const noexcept { return tier_; }

  std::span<Player*> tiers;  // of one channel in and out
  float* out = nullptr;      // [frame]
  float* out_before = nullptr;
  int fade_frames = 1;

 private:
  void play(float* audio, int frames) noexcept;

  int tier_ = 0;
  int wanted_ = 0;
  int before_ = 0;
  Smoothed share_;  // of tier_ in the sound; while it moves, before_ plays too
};

}  // namespace nampedal
