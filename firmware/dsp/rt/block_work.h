// What a network tells of one block's work outside of its kernels, where that is counted (dsp/counting). Nothing is
// told while sound is played.
#pragma once

#include "dsp/kernels/fused.h"
#include "dsp/rt/history.h"

namespace nampedal {

class BlockWork {
 public:
  // A layer array, whose sum over the layers begins in this history, at zero or at what the array before hands on.
  virtual void array(const History& sum) = 0;
  // Floats of each frame that are copied, or scaled, one at a time.
  virtual void samples(int floats) = 0;
  // A history that a convolution of so many taps reads.
  virtual void past(const History& history, int taps, int dilation) = 0;
  // The same history's twins, where they are written by a copy of their own.
  virtual void twins(const History& history) = 0;
  // Weights that a fused kernel reads.
  virtual void weights(const FusedWeights& weights) = 0;

 protected:
  BlockWork() = default;
  BlockWork(const BlockWork&) = default;
  BlockWork& operator=(const BlockWork&) = default;
  ~BlockWork() = default;
};

}  // namespace nampedal
