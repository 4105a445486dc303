// The fused kernels on planes. Included behind kernels_impl.h, in the same unnamed namespace.
#pragma once

#include <utility>

#include "dsp/kernels/kernels_impl.h"

// One function of all that is written as loops around loops: calls between them hand their variables on in memory, and
// wait for it.
#define PLANAR_INLINE [[gnu::always_inline]] inline
#define PLANAR_LAMBDA __attribute__((always_inline))

namespace {

// Outputs whose sums, of so many vectors of frames each, are held in registers together.
constexpr int outputs_together(int vectors) { return Registers::kPlanarSums / vectors; }

template <class V, int kOutputs, int kVectors>
using PlanarSums = V[kOutputs][kVectors];

template <class V, int kOutputs, int kVectors>
PLANAR_INLINE void planar_input(PlanarSums<V, kOutputs, kVectors>& sum, const float* weights, const float* plane) {
  V x[kVectors];
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) x[v] = load<V>(plane + v * V::kWidth);
#if defined(__aarch64__)
  if constexpr (kOutputs <= kLaneQuantum) {
    const V all = load<V>(weights);
    [&]<int... o>(std::integer_sequence<int, o...>) {
      for (int v = 0; v < kVectors; ++v) ((sum[o][v] = fma_lane<o>(x[v], all, sum[o][v])), ...);
    }(std::make_integer_sequence<int, kOutputs>());
    return;
  }
#endif
#pragma GCC unroll 16
  for (int o = 0; o < kOutputs; ++o) {
    const V weight = splat<V>(weights[o]);
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) sum[o][v] = fma(x[v], weight, sum[o][v]);
  }
}

// kInputs: as many as there are, known to the compiler; 0: as `c` says.
template <int kInputs, class V, int kOutputs, int kVectors>
PLANAR_INLINE void planar_taps(PlanarSums<V, kOutputs, kVectors>& sum, const FusedWeights& c, int output,
                               const float* in, std::ptrdiff_t in_stride) {
  const float* w = c.weights + output;
  const float* tap = in - static_cast<std::ptrdiff_t>(c.taps - 1) * c.dilation;
  for (int k = 0; k < c.taps; ++k, tap += c.dilation) {
    const float* plane = tap;
    if constexpr (kInputs > 0) {
      // Few inputs come with as few outputs: one quantum of lanes.
#pragma GCC unroll 4
      for (int i = 0; i < kInputs; ++i, plane += in_stride) {
        planar_input<V, kOutputs, kVectors>(sum, w + i * kLaneQuantum, plane);
      }
      w += kInputs * kLaneQuantum;
    } else {
      for (int i = 0; i < c.in_channels; ++i, w += c.lanes, plane += in_stride) {
        planar_input<V, kOutputs, kVectors>(sum, w, plane);
      }
    }
  }
}

// Calls body<kInputs>() with the number of inputs where they are few and the registers hold all outputs of a tile.
template <int kOutputs, int kVectors, class Body>
PLANAR_INLINE void for_inputs(const FusedWeights& c, const Body& body) {
  if constexpr (kOutputs <= kLaneQuantum && kVectors == 4) {
    if (c.lanes == kLaneQuantum) {
      switch (c.in_channels) {
        case 1: return body.template operator()<1>();
        case 2: return body.template operator()<2>();
        case 3: return body.template operator()<3>();
        case 4: return body.template operator()<4>();
        default: break;
      }
    }
  }
  body.template operator()<0>();
}

// The next plane. Hidden from the compiler, which would else work out the addresses of all planes before a loop, and
// spill them.
template <class T>
PLANAR_INLINE T* next_plane(T* plane, std::ptrdiff_t stride) {
  plane += stride;
  asm("" : "+r"(plane));
  return plane;
}

template <class V, int kOutputs, int kVectors>
PLANAR_INLINE void planar_store(const PlanarSums<V, kOutputs, kVectors>& sum, float* out, std::ptrdiff_t stride) {
#pragma GCC unroll 16
  for (int o = 0; o < kOutputs; ++o) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) store(out + v * V::kWidth, sum[o][v]);
    if (o + 1 < kOutputs) out = next_plane(out, stride);
  }
}

// Calls body<n>(output) for the last `count` outputs, below kBelow, all together.
template <int kBelow, class Body>
PLANAR_INLINE void for_last_outputs(int output, int count, const Body& body) {
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
PLANAR_INLINE void for_outputs(int count, const Body& body) {
  int output = 0;
  for (; count - output >= kTogether; output += kTogether) body.template operator()<kTogether>(output);
  for_last_outputs<kTogether>(output, count - output, body);
}

template <class V, int kOutputs, int kVectors>
PLANAR_INLINE void planar_write(const PlanarSums<V, kOutputs, kVectors>& sum, const Written& out, int output,
                                int frame) {
  float* data = out.signal.data + output * out.signal.stride + frame;
  planar_store<V, kOutputs, kVectors>(sum, data, out.signal.stride);
  if (out.mirror != 0) planar_store<V, kOutputs, kVectors>(sum, data - out.mirror, out.signal.stride);
}

template <class V, int kOutputs, int kVectors>
PLANAR_INLINE void planar_biases(PlanarSums<V, kOutputs, kVectors>& sum, const float* bias) {
#pragma GCC unroll 16
  for (int o = 0; o < kOutputs; ++o) {
    for (int v = 0; v < kVectors; ++v) sum[o][v] = splat<V>(bias[o]);
  }
}

// Calls body<n>(from, to) for runs of tiles of n vectors of frames: long tiles where few outputs would not make enough
// sums.
template <class V, class Body>
PLANAR_INLINE void for_runs(int frames, int outputs, const Body& body) {
  static_assert(4 * V::kWidth <= kFusedTile);
  int from = 0;
  const auto run = [&]<int kVectors>() PLANAR_LAMBDA {
    constexpr int kTile = kVectors * V::kWidth;
    // One vector computes what is left; more only where one less would not do.
    constexpr int kLeast = (kVectors - 1) * V::kWidth + 1;
    if (frames - from < kLeast) return;
    const int to = from + (frames - from + kTile - kLeast) / kTile * kTile;
    body.template operator()<kVectors>(from, to);
    from = to;
  };
  if (outputs <= outputs_together(4)) run.template operator()<4>();
  run.template operator()<2>();
  run.template operator()<1>();
}

void planar_conv(const FusedConvArgs& a) noexcept {
  using V = Lanes16;
  count_fused_conv();
  const FusedWeights c = a.conv;
  const Signal in = a.in;
  const Written out = a.out;
  for_runs<V>(a.frames, c.out_channels, [&]<int kVectors>(int from, int to) PLANAR_LAMBDA {
    for_outputs<outputs_together(kVectors)>(c.out_channels, [&]<int kOutputs>(int output) PLANAR_LAMBDA {
      count_planes_run();
      for (int frame = from; frame < to; frame += kVectors * V::kWidth) {
        count_planes_tile<V, kOutputs, kVectors, 0>(c, 0);
        PlanarSums<V, kOutputs, kVectors> sum;
        planar_biases<V, kOutputs, kVectors>(sum, c.bias + output);
        planar_taps<0, V, kOutputs, kVectors>(sum, c, output, in.data + frame, in.stride);
        planar_write<V, kOutputs, kVectors>(sum, out, output, frame);
      }
    });
  });
}

// z of one half of the outputs, into a tile that begins at `start`.
template <class V>
inline void planar_layer_sums(const FusedLayer& l, const FusedLayerArgs& a, int start, int frames, int first_lane,
                              float* tile) {
  const int outputs = l.conv.out_channels;
  for_runs<V>(frames, outputs, [&]<int kVectors>(int from, int to) PLANAR_LAMBDA {
    for_outputs<outputs_together(kVectors)>(outputs, [&]<int kOutputs>(int output) PLANAR_LAMBDA {
      for_inputs<kOutputs, kVectors>(l.conv, [&]<int kInputs>() PLANAR_LAMBDA {
        // Copies: for all the compiler knows, the stores of the tile change what `a` refers to.
        const FusedWeights conv = l.conv;
        const FusedWeights mixin = l.mixin;
        const Signal x = {a.x.data + start, a.x.stride};
        const Signal given = {a.condition.data + start, a.condition.stride};
        const int lane = first_lane + output;
        float* z = tile + output * kFusedTile;
        const int end = to;
        count_planes_run();
        for (int frame = from; frame < end; frame += kVectors * V::kWidth) {
          count_planes_tile<V, kOutputs, kVectors, kInputs>(conv, mixin.in_channels);
          PlanarSums<V, kOutputs, kVectors> sum;
          planar_biases<V, kOutputs, kVectors>(sum, mixin.bias + lane);
          if (mixin.in_channels == 1) {
            planar_input<V, kOutputs, kVectors>(sum, mixin.weights + lane, given.data + frame);
          } else {
            planar_taps<0, V, kOutputs, kVectors>(sum, mixin, lane, given.data + frame, given.stride);
          }
          planar_taps<kInputs, V, kOutputs, kVectors>(sum, conv, lane, x.data + frame, x.stride);
          planar_store<V, kOutputs, kVectors>(sum, z + frame, kFusedTile);
        }
      });
    });
  });
}

// next = x + layer1x1(z); the 1x1 has no past, so frame 0 of the tile is its present.
template <class V>
inline void planar_residual(const FusedLayer& l, const FusedLayerArgs& a, int start, int frames, const float* z) {
  const int outputs = l.layer1x1.out_channels;
  for_runs<V>(frames, outputs, [&]<int kVectors>(int from, int to) PLANAR_LAMBDA {
    for_outputs<outputs_together(kVectors)>(outputs, [&]<int kOutputs>(int output) PLANAR_LAMBDA {
      for_inputs<kOutputs, kVectors>(l.layer1x1, [&]<int kInputs>() PLANAR_LAMBDA {
        const FusedWeights layer1x1 = l.layer1x1;
        const Signal x = {a.x.data + start + output * a.x.stride, a.x.stride};
        const Written next = {{a.next.signal.data + start, a.next.signal.stride}, a.next.mirror};
        const int end = to;
        count_planes_run();
        for (int frame = from; frame < end; frame += kVectors * V::kWidth) {
          count_planes_tile<V, kOutputs, kVectors, kInputs>(layer1x1, 0);
          PlanarSums<V, kOutputs, kVectors> sum;
          const float* row = x.data + frame;
#pragma GCC unroll 16
          for (int o = 0; o < kOutputs; ++o) {
            const V bias = splat<V>(layer1x1.bias[output + o]);
            for (int v = 0; v < kVectors; ++v) sum[o][v] = add(bias, load<V>(row + v * V::kWidth));
            if (o + 1 < kOutputs) row = next_plane(row, x.stride);
          }
          planar_taps<kInputs, V, kOutputs, kVectors>(sum, layer1x1, output, z + frame, kFusedTile);
          planar_write<V, kOutputs, kVectors>(sum, next, output, frame);
        }
      });
    });
  });
}

// Calls body(channel, offset) for every vector of so many planes of a tile.
template <class V, class Body>
inline void for_vectors(int channels, int frames, const Body& body) {
  for (int c = 0; c < channels; ++c) {
    for (int f = 0; f < frames; f += V::kWidth) {
      body(c, static_cast<std::ptrdiff_t>(c) * kFusedTile + f);
      count_vectors<V>(V::kWidth);
    }
  }
}

template <class V>
inline void planar_layer_tile(const FusedLayer& l, const FusedLayerArgs& a, int start, int frames) {
  const int channels = l.conv.out_channels;
  const int whole = (frames + V::kWidth - 1) / V::kWidth * V::kWidth;
  const std::ptrdiff_t size = static_cast<std::ptrdiff_t>(channels) * kFusedTile;
  float* z = l.scratch;
  const Signal head = {a.head.data + start, a.head.stride};
  planar_layer_sums<V>(l, a, start, frames, 0, z);
  if (l.gate == Gate::kOff) {
    l.activate(
        {.data = z, .channels = channels, .lanes = 0, .frames = whole, .parameters = l.parameters, .head = head});
  } else {
    float* gate = z + size;
    float* dry = gate + size;
    planar_layer_sums<V>(l, a, start, frames, l.conv.lanes / 2, gate);
    if (l.gate == Gate::kBlended) {
      for_vectors<V>(channels, whole, [&](int, std::ptrdiff_t i) { store(dry + i, load<V>(z + i)); });
    }
    l.activate({.data = z, .channels = channels, .lanes = 0, .frames = whole, .parameters = l.parameters, .head = {}});
    l.activate_gate(
        {.data = gate, .channels = channels, .lanes = 0, .frames = whole, .parameters = l.gate_parameters, .head = {}});
    for_vectors<V>(channels, whole, [&](int c, std::ptrdiff_t i) {
      const V share = load<V>(gate + i);
      V result = mul(load<V>(z + i), share);
      if (l.gate == Gate::kBlended) {
        result = fma(share, load<V>(z + i), mul(sub(splat<V>(1.0f), share), load<V>(dry + i)));
      }
      store(z + i, result);
      float* sum = head.data + c * (head.stride - kFusedTile) + i;
      store(sum, add(load<V>(sum), result));
    });
  }
  if (a.next.signal.data != nullptr) planar_residual<V>(l, a, start, frames, z);
}

void planar_layer(const FusedLayer& l, const FusedLayerArgs& a) noexcept {
  count_fused_layer();
  for (int start = 0; start < a.frames; start += kFusedTile) {
    planar_layer_tile<Lanes16>(l, a, start, a.frames - start < kFusedTile ? a.frames - start : kFusedTile);
  }
}

template <Accuracy accuracy, Shape shape, class V>
inline int planar_activate_run(float* plane, float* head, int frame, int frames, const float* parameters, float slope) {
  for (; frames - frame >= V::kWidth; frame += V::kWidth) {
    const V result = shaped<accuracy, shape>(load<V>(plane + frame), parameters, splat<V>(slope));
    store(plane + frame, result);
    count_shaped<shape, V>();
    if (head != nullptr) store(head + frame, add(load<V>(head + frame), result));
  }
  return frame;
}

template <Accuracy accuracy, Shape shape>
void planar_activate(const FusedActivateArgs& args) noexcept {
  const FusedActivateArgs a = args;
  float* plane = a.data;
  float* head = a.head.data;
  for (int c = 0; c < a.channels; ++c, plane += kFusedTile) {
    count_activation();
    const float slope = shape == Shape::kPReLU ? a.parameters[c] : 0.0f;
    const int frame = planar_activate_run<accuracy, shape, WideLanes>(plane, head, 0, a.frames, a.parameters, slope);
    planar_activate_run<accuracy, shape, Lanes4>(plane, head, frame, a.frames, a.parameters, slope);
    if (head != nullptr) head += a.head.stride;
  }
}

constexpr FusedKernels planar_kernels = {.layout = Layout::kPlanes,
                                         .conv = planar_conv,
                                         .layer = planar_layer,
                                         .activate = {NAMPEDAL_SHAPES(planar_activate, Accuracy::kExact),
                                                      NAMPEDAL_SHAPES(planar_activate, Accuracy::kFast)}};

}  // namespace

#undef PLANAR_INLINE
#undef PLANAR_LAMBDA
