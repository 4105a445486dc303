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
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) x[v] = load<V>(plane + v * V::kWidth);
#pragma GCC unroll 16
      for (int o = 0; o < kOutputs; ++o) {
        const V weight = splat<V>(w[o]);
#pragma GCC unroll 2
        for (int v = 0; v < kVectors; ++v) sum[o][v] = fma(x[v], weight, sum[o][v]);
      }
    }
  }
}

template <class V, int kOutputs, int kVectors>
inline void planar_store(const PlanarSums<V, kOutputs, kVectors>& sum, float* out, std::ptrdiff_t stride) {
#pragma GCC unroll 16
  for (int o = 0; o < kOutputs; ++o) {
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) store(out + o * stride + v * V::kWidth, sum[o][v]);
  }
}

// Calls body<n>(output) for all outputs, as many together as fit.
template <int kOutputs, class Body>
inline void for_outputs(int begin, int end, const Body& body) {
  for (; end - begin >= kOutputs; begin += kOutputs) body.template operator()<kOutputs>(begin);
  if constexpr (kOutputs > 1) for_outputs<kOutputs / 2>(begin, end, body);
}

// out = bias + add + conv(in) for one tile of frames.
template <class V, int kVectors>
inline void planar_conv_tile(const PlanarConvArgs& a, int frame) {
  for_outputs<outputs_together(kVectors)>(0, a.conv.out_channels, [&]<int kOutputs>(int output) {
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

void planar_conv(const PlanarConvArgs& a) noexcept {
  using V = Lanes16;
  int frame = 0;
  for (; a.frames - frame > V::kWidth; frame += 2 * V::kWidth) planar_conv_tile<V, 2>(a, frame);
  if (frame < a.frames) planar_conv_tile<V, 1>(a, frame);
}

// z, as many planes as the conv has outputs, into the tile.
template <class V, int kVectors>
inline void planar_layer_sums(const PlanarLayerArgs& a, int frame, int outputs, int first_lane, float* tile) {
  for_outputs<outputs_together(kVectors)>(0, outputs, [&]<int kOutputs>(int output) {
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

template <class V, int kVectors>
inline void planar_layer_tile(const PlanarLayerArgs& a, int frame) {
  const std::ptrdiff_t size = static_cast<std::ptrdiff_t>(a.channels) * kPlanarTile;
  float* z = a.scratch;
  planar_layer_sums<V, kVectors>(a, frame, a.channels, 0, z);
  if (a.gate == PlanarGate::kOff) {
    a.activate({z, a.channels, kVectors * V::kWidth, a.parameters});
  } else {
    float* gate = z + size;
    float* dry = gate + size;
    planar_layer_sums<V, kVectors>(a, frame, a.channels, a.conv.lanes / 2, gate);
    if (a.gate == PlanarGate::kBlended) {
      for (std::ptrdiff_t i = 0; i < size; i += V::kWidth) store(dry + i, load<V>(z + i));
    }
    a.activate({z, a.channels, kVectors * V::kWidth, a.parameters});
    a.activate_gate({gate, a.channels, kVectors * V::kWidth, a.gate_parameters});
    for (std::ptrdiff_t i = 0; i < size; i += V::kWidth) {
      const V share = load<V>(gate + i);
      if (a.gate == PlanarGate::kGated) {
        store(z + i, mul(load<V>(z + i), share));
      } else {
        store(z + i, fma(share, load<V>(z + i), mul(sub(splat<V>(1.0f), share), load<V>(dry + i))));
      }
    }
  }
  for (int c = 0; c < a.channels; ++c) {
    float* head = a.head.data + c * a.head.stride + frame;
    for (int v = 0; v < kVectors; ++v, head += V::kWidth) {
      store(head, add(load<V>(head), load<V>(z + c * kPlanarTile + v * V::kWidth)));
    }
  }
  if (a.next.data == nullptr) return;
  // The residual is the whole x: the tile's 1x1 reads z, at frame 0 of it.
  for_outputs<outputs_together(kVectors)>(0, a.layer1x1.out_channels, [&]<int kOutputs>(int output) {
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
  using V = Lanes16;
  int frame = 0;
  for (; a.frames - frame > V::kWidth; frame += 2 * V::kWidth) planar_layer_tile<V, 2>(a, frame);
  if (frame < a.frames) planar_layer_tile<V, 1>(a, frame);
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
