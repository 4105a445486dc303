// The inner loops of rows on aarch64, in assembly: eight frames by eight, or four, outputs in fixed registers.
// Compilers spill them or place their loads where an in-order core waits.
#pragma once

#include <cstddef>

#include "fused.h"

namespace nampedal {

// neon_tiles.S knows the offsets. Strides and steps are bytes.
struct NeonTiles {
  float* out;
  std::ptrdiff_t out_stride;
  const float* bias;
  const float* add;  // rows summed in first; nullptr: none
  std::ptrdiff_t add_stride;
  const float* mix_in;  // rows of kLaneQuantum floats
  const float* mix_weights;
  std::ptrdiff_t mix_inputs;  // up to 4; 0: none
  const float* in;            // the first tap's rows
  std::ptrdiff_t in_stride;
  std::ptrdiff_t tap_step;
  const float* weights;  // [tap][in][8 or 4], kRowsWeightSlack floats longer
  std::ptrdiff_t taps;
  std::ptrdiff_t inputs;  // up to 4, in rows of kLaneQuantum floats; or 8, 12, ...
  std::ptrdiff_t tiles;   // of kRowsTogether frames
};

}  // namespace nampedal

// out = bias + add + mixin + conv: taps outermost, then inputs, in order, each a fused multiply-add.
extern "C" void nampedal_neon_tiles8(const nampedal::NeonTiles* args) noexcept;
extern "C" void nampedal_neon_tiles4(const nampedal::NeonTiles* args) noexcept;
