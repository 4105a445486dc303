// The kernels on planes, for ISAs of wide vectors. Included behind kernels_impl.h, in the same unnamed namespace.
#pragma once

#include "kernels_impl.h"

namespace {

// Outputs whose sums, of so many vectors of frames each, are held in registers together: 16 sums of 32 registers, 8 of
// 16. Fewer than 8 sums would wait for one another.
#if defined(__AVX512F__)
constexpr int outputs_together(int vectors) { return 16 / vectors; }
#else
constexpr int outputs_together(int vectors) { return 8 / vectors; }
#endif

template <class V, int kOutputs, int kVectors>
using PlanarSums = V[kOutputs][kVectors];

// Adds the convolution of planes to the sums: taps outermost, then inputs, in order. `output`: the first of kOutputs.
template <class V, int kOutputs, int kVectors>
inline void planar_accumulate(PlanarSums<V, kOutputs, kVectors>& sum, const PlanarWeights& c, int output,
                              const float* in, std::ptrdiff_t in_stride) {
  const float* w = c.weights + output;
  const float* tap = in - static_cast<std::ptrdiff_t>(c.taps - 1) * c.dilation;
  for (int k = 0; k < c.taps; ++k, tap += c.dilation) {
    const float* plane = tap;
    for (int i = 0; i < c.in_channels; ++i, w += c.lanes, plane += in_stride) {
      V x[kVectors];
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) x[v] = load<V>(plane + v * V::kWidth);
#pragma GCC unroll 16
      for (int o = 0; o < kOutputs; ++o) {
        const V weight = splat<V>(w[o]);
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v) sum[o][v] = fma(x[v], weight, sum[o][v]);
      }
    }
  }
}

template <class V, int kOutputs, int kVectors>
inline void planar_store(const PlanarSums<V, kOutputs, kVectors>& sum, float* out, std::ptrdiff_t stride) {
#pragma GCC unroll 16
  for (int o = 0; o < kOutputs; ++o) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) store(out + o * stride + v * V::kWidth, sum[o][v]);
  }
}

// Calls body<n>(output) for the last `count` outputs, below kBelow, all together.
template <int kBelow, class Body>
inline void for_last_outputs(int output, int count, const Body& body) {
  if constexpr (kBelow > 1) {
    if (count == kBelow - 1) {
      body.template operator()<kBelow - 1>(output);
    } else {
      for_last_outputs<kBelow - 1>(output, count, body);
    }
  }
}

// Calls body<n>(output) for all outputs, as many together as fit: few sums would wait for one another.
template <int kTogether, class Body>
inline void for_outputs(int count, const Body& body) {
  int output = 0;
  for (; count - output >= kTogether; output += kTogether) body.template operator()<kTogether>(output);
  for_last_outputs<kTogether>(output, count - output, body);
}

// out = bias + add + conv(in) for one tile of frames.
template <class V, int kVectors>
inline void planar_conv_tile(const PlanarConvArgs& a, int frame) {
  for_outputs<outputs_together(kVectors)>(a.conv.out_channels, [&]<int kOutputs>(int output) {
    PlanarSums<V, kOutputs, kVectors> sum;
    for (int o = 0; o < kOutputs; ++o) {
      const V bias = splat<V>(a.conv.bias[output + o]);
      const float* row = a.add.data + (output + o) * a.add.stride + frame;
      for (int v = 0; v < kVectors; ++v) {
        sum[o][v] = a.add.data == nullptr ? bias : add(bias, load<V>(row + v * V::kWidth));
      }
    }
    planar_accumulate<V, kOutputs, kVectors>(sum, a.conv, output, a.in.data + frame, a.in.stride);
    planar_store<V, kOutputs, kVectors>(sum, a.out.data + output * a.out.stride + frame, a.out.stride);
  });
}

// Calls body<n>(frame) for tiles of n vectors of frames: longer ones where few outputs would not make enough sums.
template <class V, class Body>
inline void for_tiles(int frames, int outputs, const Body& body) {
  static_assert(4 * V::kWidth <= kPlanarTile);
  int frame = 0;
  if (outputs <= outputs_together(4)) {
    for (; frames - frame > 3 * V::kWidth; frame += 4 * V::kWidth) body.template operator()<4>(frame);
  }
  for (; frames - frame > V::kWidth; frame += 2 * V::kWidth) body.template operator()<2>(frame);
  if (frame < frames) body.template operator()<1>(frame);
}

void planar_conv(const PlanarConvArgs& a) noexcept {
  for_tiles<Lanes16>(a.frames, a.conv.out_channels,
                     [&]<int kVectors>(int frame) { planar_conv_tile<Lanes16, kVectors>(a, frame); });
}

// z, as many planes as the conv has outputs, into the tile.
template <class V, int kVectors>
inline void planar_layer_sums(const PlanarLayerArgs& a, int frame, int outputs, int first_lane, float* tile) {
  for_outputs<outputs_together(kVectors)>(outputs, [&]<int kOutputs>(int output) {
    const int lane = first_lane + output;
    PlanarSums<V, kOutputs, kVectors> sum;
    for (int o = 0; o < kOutputs; ++o) {
      for (int v = 0; v < kVectors; ++v) sum[o][v] = splat<V>(0.0f);
    }
    planar_accumulate<V, kOutputs, kVectors>(sum, a.mixin, lane, a.condition.data + frame, a.condition.stride);
    for (int o = 0; o < kOutputs; ++o) {
      const V bias = splat<V>(a.conv.bias[lane + o]);
      for (int v = 0; v < kVectors; ++v) sum[o][v] = add(bias, sum[o][v]);
    }
    planar_accumulate<V, kOutputs, kVectors>(sum, a.conv, lane, a.x.data + frame, a.x.stride);
    planar_store<V, kOutputs, kVectors>(sum, tile + output * kPlanarTile, kPlanarTile);
  });
}

// Calls body(offset) for every vector of so many planes of a tile.
template <class V, int kVectors, class Body>
inline void for_vectors(int channels, const Body& body) {
  for (std::ptrdiff_t c = 0; c < channels; ++c) {
    for (int v = 0; v < kVectors; ++v) body(c * kPlanarTile + v * V::kWidth);
  }
}

template <class V, int kVectors>
inline void planar_layer_tile(const PlanarLayerArgs& a, int frame) {
  const std::ptrdiff_t size = static_cast<std::ptrdiff_t>(a.channels) * kPlanarTile;
  constexpr int kFrames = kVectors * V::kWidth;
  float* z = a.scratch;
  planar_layer_sums<V, kVectors>(a, frame, a.channels, 0, z);
  if (a.gate == PlanarGate::kOff) {
    a.activate({z, a.channels, kFrames, a.parameters});
  } else {
    float* gate = z + size;
    float* dry = gate + size;
    planar_layer_sums<V, kVectors>(a, frame, a.channels, a.conv.lanes / 2, gate);
    if (a.gate == PlanarGate::kBlended) {
      for_vectors<V, kVectors>(a.channels, [&](std::ptrdiff_t i) { store(dry + i, load<V>(z + i)); });
    }
    a.activate({z, a.channels, kFrames, a.parameters});
    a.activate_gate({gate, a.channels, kFrames, a.gate_parameters});
    for_vectors<V, kVectors>(a.channels, [&](std::ptrdiff_t i) {
      const V share = load<V>(gate + i);
      if (a.gate == PlanarGate::kGated) {
        store(z + i, mul(load<V>(z + i), share));
      } else {
        store(z + i, fma(share, load<V>(z + i), mul(sub(splat<V>(1.0f), share), load<V>(dry + i))));
      }
    });
  }
  for (int c = 0; c < a.channels; ++c) {
    float* head = a.head.data + c * a.head.stride + frame;
    for (int v = 0; v < kVectors; ++v, head += V::kWidth) {
      store(head, add(load<V>(head), load<V>(z + c * kPlanarTile + v * V::kWidth)));
    }
  }
  if (a.next.data == nullptr) return;
  // The residual is the whole x: the tile's 1x1 reads z, at frame 0 of it.
  for_outputs<outputs_together(kVectors)>(a.layer1x1.out_channels, [&]<int kOutputs>(int output) {
    PlanarSums<V, kOutputs, kVectors> sum;
    for (int o = 0; o < kOutputs; ++o) {
      const V bias = splat<V>(a.layer1x1.bias[output + o]);
      const float* row = a.x.data + (output + o) * a.x.stride + frame;
      for (int v = 0; v < kVectors; ++v) sum[o][v] = add(bias, load<V>(row + v * V::kWidth));
    }
    planar_accumulate<V, kOutputs, kVectors>(sum, a.layer1x1, output, z, kPlanarTile);
    planar_store<V, kOutputs, kVectors>(sum, a.next.data + output * a.next.stride + frame, a.next.stride);
  });
}

void planar_layer(const PlanarLayerArgs& a) noexcept {
  for_tiles<Lanes16>(a.frames, a.channels,
                     [&]<int kVectors>(int frame) { planar_layer_tile<Lanes16, kVectors>(a, frame); });
}

template <Accuracy accuracy, Shape shape>
void planar_activate(const PlanarActivateArgs& a) noexcept {
  using V = Lanes16;
  float* plane = a.data;
  for (int c = 0; c < a.channels; ++c, plane += kPlanarTile) {
    const V slope = splat<V>(shape == Shape::kPReLU ? a.parameters[c] : 0.0f);
    for (int i = 0; i < a.frames; i += V::kWidth) {
      store(plane + i, shaped<accuracy, shape>(load<V>(plane + i), a.parameters, slope));
    }
  }
}

constexpr PlanarKernels planar_kernels = {
    planar_conv,
    planar_layer,
    {NAMPEDAL_SHAPES(planar_activate, Accuracy::kExact), NAMPEDAL_SHAPES(planar_activate, Accuracy::kFast)}};

}  // namespace
