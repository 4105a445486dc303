// Convolutions, over a vector type: part of kernels_impl.h.
#pragma once

#include <cstddef>

#include "dsp/kernels/kernels.h"

namespace {

using namespace nampedal;

// ---- convolution -------------------------------------------------------------------------------------------------

// kFrames frames x kVectors vectors of outputs, accumulated in registers: taps outermost, then inputs, in order.
template <class V, int kVectors, int kFrames>
inline void conv_tile(const ConvArgs& a, int lane, int frame) {
  count_conv_tile<V, kVectors, kFrames>(a);
  V sum[kFrames][kVectors];
  for (int n = 0; n < kVectors; ++n) {
    const V bias = load<V>(a.bias + lane + n * V::kWidth);
#pragma GCC unroll 16
    for (int f = 0; f < kFrames; ++f) sum[f][n] = bias;
  }
  if (a.add != nullptr) {
#pragma GCC unroll 16
    for (int f = 0; f < kFrames; ++f) {
      const float* row = a.add + (frame + f) * a.add_stride + lane;
#pragma GCC unroll 4
      for (int n = 0; n < kVectors; ++n) sum[f][n] = add(sum[f][n], load<V>(row + n * V::kWidth));
    }
  }
  const float* w = a.weights + lane;
  const float* tap = a.in + frame * a.in_stride;
  for (int k = 0; k < a.taps; ++k, tap += a.tap_step) {
    for (int i = 0; i < a.in_channels; ++i, w += a.lanes) {
      V weight[kVectors];
#pragma GCC unroll 4
      for (int n = 0; n < kVectors; ++n) weight[n] = load<V>(w + n * V::kWidth);
#pragma GCC unroll 16
      for (int f = 0; f < kFrames; ++f) {
        const V x = splat<V>(tap[f * a.in_stride + i]);
#pragma GCC unroll 4
        for (int n = 0; n < kVectors; ++n) sum[f][n] = fma(x, weight[n], sum[f][n]);
      }
    }
  }
#pragma GCC unroll 16
  for (int f = 0; f < kFrames; ++f) {
    float* row = a.out + (frame + f) * a.out_stride + lane;
#pragma GCC unroll 4
    for (int n = 0; n < kVectors; ++n) store(row + n * V::kWidth, sum[f][n]);
  }
}

template <class V, int kVectors>
inline void conv_columns(const ConvArgs& a, int lane) {
  constexpr int kTile = Registers::kConvFrames[kVectors - 1];
  int frame = 0;
  for (; frame + kTile <= a.frames; frame += kTile) conv_tile<V, kVectors, kTile>(a, lane, frame);
  if (a.frames - frame >= 4) {
    conv_tile<V, kVectors, 4>(a, lane, frame);
    frame += 4;
  }
  if (a.frames - frame >= 2) {
    conv_tile<V, kVectors, 2>(a, lane, frame);
    frame += 2;
  }
  if (a.frames > frame) conv_tile<V, kVectors, 1>(a, lane, frame);
}

template <class V>
inline int conv_vectors(const ConvArgs& a, int lane) {
  if (a.frames == 1) {
    // One frame has one sum a vector: take several vectors together, or each addition waits for the last.
    for (; a.lanes - lane >= 4 * V::kWidth; lane += 4 * V::kWidth) conv_tile<V, 4, 1>(a, lane, 0);
  }
  for (; a.lanes - lane >= 2 * V::kWidth; lane += 2 * V::kWidth) conv_columns<V, 2>(a, lane);
  for (; a.lanes - lane >= V::kWidth; lane += V::kWidth) conv_columns<V, 1>(a, lane);
  return lane;
}

void conv(const ConvArgs& a) noexcept {
  count_conv(a);
  int lane = conv_vectors<Lanes16>(a, 0);
  lane = conv_vectors<Lanes8>(a, lane);
  conv_vectors<Lanes4>(a, lane);
}

// ---- finite impulse response: frames are the lanes ----------------------------------------------------------------

template <int kVectors>
inline void fir_tile(const FirArgs& a, int frame, int valid) {
  using V = Lanes8;
  count_fir_tile<kVectors>(a, frame);
  V sum[kVectors];
  for (int n = 0; n < kVectors; ++n) sum[n] = splat<V>(a.bias);
  const float* x = a.in + frame;
  for (int k = 0; k < a.tap_count; ++k, --x) {
    const V tap = splat<V>(a.taps[k]);
#pragma GCC unroll 4
    for (int n = 0; n < kVectors; ++n) sum[n] = fma(tap, load<V>(x + n * V::kWidth), sum[n]);
  }
  float out[kVectors * V::kWidth];
  for (int n = 0; n < kVectors; ++n) store(out + n * V::kWidth, sum[n]);
  for (int f = 0; f < valid; ++f) a.out[frame + f] = out[f];
}

void fir(const FirArgs& a) noexcept {
  constexpr int kWide = 4 * Lanes8::kWidth;
  int frame = 0;
  for (; a.frames - frame >= kWide; frame += kWide) fir_tile<4>(a, frame, kWide);
  for (; frame < a.frames; frame += Lanes8::kWidth) {
    const int left = a.frames - frame;
    fir_tile<1>(a, frame, left < Lanes8::kWidth ? left : Lanes8::kWidth);
  }
}

}  // namespace
