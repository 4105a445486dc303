// The inner loops of rows on aarch64, in assembly: eight frames by eight, or four, outputs in fixed registers.
// Compilers spill them or place their loads where an in-order core waits.
#pragma once

#include <cstddef>

#include "dsp/kernels/kernels.h"
#include "dsp/kernels/neon_tiles_offsets.h"

namespace nampedal {

// neon_tiles.S reads it, at the offsets of neon_tiles_offsets.h. Strides and steps are bytes.
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

static_assert(offsetof(NeonTiles, out) == NAMPEDAL_TILES_OUT);
static_assert(offsetof(NeonTiles, out_stride) == NAMPEDAL_TILES_OUT_STRIDE);
static_assert(offsetof(NeonTiles, bias) == NAMPEDAL_TILES_BIAS);
static_assert(offsetof(NeonTiles, add) == NAMPEDAL_TILES_ADD);
static_assert(offsetof(NeonTiles, add_stride) == NAMPEDAL_TILES_ADD_STRIDE);
static_assert(offsetof(NeonTiles, mix_in) == NAMPEDAL_TILES_MIX_IN);
static_assert(offsetof(NeonTiles, mix_weights) == NAMPEDAL_TILES_MIX_WEIGHTS);
static_assert(offsetof(NeonTiles, mix_inputs) == NAMPEDAL_TILES_MIX_INPUTS);
static_assert(offsetof(NeonTiles, in) == NAMPEDAL_TILES_IN);
static_assert(offsetof(NeonTiles, in_stride) == NAMPEDAL_TILES_IN_STRIDE);
static_assert(offsetof(NeonTiles, tap_step) == NAMPEDAL_TILES_TAP_STEP);
static_assert(offsetof(NeonTiles, weights) == NAMPEDAL_TILES_WEIGHTS);
static_assert(offsetof(NeonTiles, taps) == NAMPEDAL_TILES_TAPS);
static_assert(offsetof(NeonTiles, inputs) == NAMPEDAL_TILES_INPUTS);
static_assert(offsetof(NeonTiles, tiles) == NAMPEDAL_TILES_TILES);
// The assembly loads every field as one register of 8 bytes, two neighbours at once.
static_assert(sizeof(float*) == 8 && sizeof(std::ptrdiff_t) == 8);
static_assert(sizeof(NeonTiles) == NAMPEDAL_TILES_TILES + 8);
// What the tiles are written for: frames of a tile, floats of a vector, bytes of a mixin's tile of rows.
static_assert(kRowsTogether == 8 && kLaneQuantum == 4);
static_assert(kRowsTogether * kLaneQuantum * sizeof(float) == 128);

}  // namespace nampedal

// out = bias + add + mixin + conv: taps outermost, then inputs, in order, each a fused multiply-add.
extern "C" void nampedal_neon_tiles8(const nampedal::NeonTiles* args) noexcept;
extern "C" void nampedal_neon_tiles4(const nampedal::NeonTiles* args) noexcept;
