// The fused kernels on rows, over two register tiles, run_tiles8() and run_tiles4(), which the ISA's file defines.
// Included behind kernels_impl.h, in the same unnamed namespace.
#pragma once

#include <cstring>

#include "dsp/kernels/kernels_impl.h"
#include "dsp/kernels/neon_tiles.h"

namespace {

constexpr int whole_tiles(int frames) { return (frames + kRowsTogether - 1) / kRowsTogether * kRowsTogether; }
// Rows of weights for so many inputs, as FusedWeights has them.
constexpr int weight_rows(int inputs) { return inputs <= kLaneQuantum ? inputs : lanes_for(inputs); }
constexpr std::ptrdiff_t bytes_of(std::ptrdiff_t floats) { return floats * static_cast<std::ptrdiff_t>(sizeof(float)); }

// One half of the outputs of a convolution, or all of them; `frames` is whole tiles.
struct RowsSums {
  const FusedWeights* conv;
  Signal in;
  const FusedWeights* mixin = nullptr;
  Signal condition;
  const float* bias;
  Signal add;
  Signal out;
  int half = 0;
  int lanes;  // of the half
  int frames;
};

inline const float* group_weights(const FusedWeights& c, int half, int lanes, int lane) {
  return c.weights + static_cast<std::ptrdiff_t>(half * lanes + lane) * c.taps * weight_rows(c.in_channels);
}

void rows_sums(const RowsSums& s) noexcept {
  const FusedWeights& c = *s.conv;
  const std::ptrdiff_t past = static_cast<std::ptrdiff_t>(c.taps - 1) * c.dilation * s.in.stride;
  for (int lane = 0; lane < s.lanes; lane += kRowsTogether) {
    const NeonTiles tiles = {
        .out = s.out.data + lane,
        .out_stride = bytes_of(s.out.stride),
        .bias = s.bias + s.half * s.lanes + lane,
        .add = s.add.data == nullptr ? nullptr : s.add.data + lane,
        .add_stride = bytes_of(s.add.stride),
        .mix_in = s.condition.data,
        .mix_weights = s.mixin == nullptr ? nullptr : group_weights(*s.mixin, s.half, s.lanes, lane),
        .mix_inputs = s.mixin == nullptr ? 0 : s.mixin->in_channels,
        .in = s.in.data - past,
        .in_stride = bytes_of(s.in.stride),
        .tap_step = bytes_of(c.dilation * s.in.stride),
        .weights = group_weights(c, s.half, s.lanes, lane),
        .taps = c.taps,
        .inputs = weight_rows(c.in_channels),
        .tiles = s.frames / kRowsTogether,
    };
    if (s.lanes - lane >= kRowsTogether) {
      run_tiles8(tiles);
    } else {
      run_tiles4(tiles);
    }
  }
}

// The twins of what was written, where history.h wants them.
inline void write_twins(const Written& out, int frame, int frames) {
  if (out.mirror == 0) return;
  float* rows = out.signal.data + frame * out.signal.stride;
  std::memcpy(rows - out.mirror, rows, static_cast<std::size_t>(bytes_of(frames * out.signal.stride)));
}

void rows_conv(const FusedConvArgs& a) noexcept {
  count_fused_conv();
  rows_sums({.conv = &a.conv,
             .in = a.in,
             .condition = {},
             .bias = a.conv.bias,
             .add = {},
             .out = a.out.signal,
             .lanes = a.conv.lanes,
             .frames = whole_tiles(a.frames)});
  write_twins(a.out, 0, a.frames);
}

// Calls body(offset) for every vector of `count` floats, a multiple of four of them.
template <class Body>
inline void for_row_vectors(std::ptrdiff_t count, const Body& body) {
  for (std::ptrdiff_t i = 0; i < count; i += WideLanes::kWidth) body(i);
}

struct RowsTile {
  float* z;
  float* gate;
  float* dry;
};

inline void rows_layer_tile(const FusedLayer& l, const FusedLayerArgs& a, const RowsTile& t, int lanes, int frame,
                            int frames) {
  const int computed = whole_tiles(frames);
  const std::ptrdiff_t floats = static_cast<std::ptrdiff_t>(computed) * lanes;
  const auto at_frame = [frame](Signal s) { return Signal{s.data + frame * s.stride, s.stride}; };
  const Signal x = at_frame(a.x);
  const Signal given = at_frame(a.condition);
  // The tiles take a mixin of few inputs along; one of many goes first.
  const bool together = l.mixin.in_channels <= kLaneQuantum;

  const auto sums = [&](int half, float* to) {
    const Signal out = {to, lanes};
    RowsSums s = {.conv = &l.conv,
                  .in = x,
                  .mixin = &l.mixin,
                  .condition = given,
                  .bias = l.mixin.bias,
                  .add = {},
                  .out = out,
                  .half = half,
                  .lanes = lanes,
                  .frames = computed};
    if (!together) {
      rows_sums({.conv = &l.mixin,
                 .in = given,
                 .condition = {},
                 .bias = l.mixin.bias,
                 .add = {},
                 .out = out,
                 .half = half,
                 .lanes = lanes,
                 .frames = computed});
      s.mixin = nullptr;
      s.bias = l.conv.bias;
      s.add = out;
    }
    rows_sums(s);
  };

  sums(0, t.z);
  if (l.gate != Gate::kOff) {
    sums(1, t.gate);
    if (l.gate == Gate::kBlended) {
      std::memcpy(t.dry, t.z, static_cast<std::size_t>(bytes_of(floats)));
      count_vectors<Lanes4>(floats);
    }
    l.activate_gate({.data = t.gate,
                     .channels = 0,
                     .lanes = lanes,
                     .frames = computed,
                     .parameters = l.gate_parameters,
                     .head = {}});
  }
  const Signal head = at_frame(a.head);
  l.activate({.data = t.z,
              .channels = 0,
              .lanes = lanes,
              .frames = computed,
              .parameters = l.parameters,
              .head = l.gate == Gate::kOff ? head : Signal{}});
  using V = WideLanes;
  const auto finish = [&](std::ptrdiff_t i, const V& result) {
    store(t.z + i, result);
    store(head.data + i, add(load<V>(head.data + i), result));
    count_vectors<V>(V::kWidth);
  };
  if (l.gate == Gate::kGated) {
    for_row_vectors(floats, [&](std::ptrdiff_t i) { finish(i, mul(load<V>(t.z + i), load<V>(t.gate + i))); });
  } else if (l.gate == Gate::kBlended) {
    for_row_vectors(floats, [&](std::ptrdiff_t i) {
      const V share = load<V>(t.gate + i);
      const V rest = mul(sub(splat<V>(1.0f), share), load<V>(t.dry + i));
      finish(i, fma(share, load<V>(t.z + i), rest));
    });
  }

  if (a.next.signal.data == nullptr) return;
  rows_sums({.conv = &l.layer1x1,
             .in = {t.z, lanes},
             .condition = {},
             .bias = l.layer1x1.bias,
             .add = x,
             .out = at_frame(a.next.signal),
             .lanes = l.layer1x1.lanes,
             .frames = computed});
  write_twins(a.next, frame, frames);
}

void rows_layer(const FusedLayer& l, const FusedLayerArgs& a) noexcept {
  count_fused_layer();
  const int lanes = lanes_for(l.conv.out_channels);
  // A quarter of a small first-level cache: the taps of x need the rest.
  constexpr int kTileFloats = 2048;
  int tile = kFusedTile;
  while (tile > kRowsTogether && tile * lanes > kTileFloats) tile -= kRowsTogether;
  const std::ptrdiff_t size = static_cast<std::ptrdiff_t>(lanes) * kFusedTile;
  const RowsTile t = {.z = l.scratch, .gate = l.scratch + size, .dry = l.scratch + 2 * size};
  for (int frame = 0; frame < a.frames; frame += tile) {
    rows_layer_tile(l, a, t, lanes, frame, a.frames - frame < tile ? a.frames - frame : tile);
  }
}

// The head's rows are as wide as the tile's.
template <Accuracy accuracy, Shape shape>
void rows_activate(const FusedActivateArgs& a) noexcept {
  using V = WideLanes;
  float* z = a.data;
  float* head = a.head.data;
  if constexpr (shape == Shape::kPReLU) {
    // Four frames at a time of the channels that share a vector of slopes.
    const std::ptrdiff_t lanes = a.lanes;
    for (int l = 0; l < a.lanes; l += Lanes4::kWidth) {
      count_activation();
      const V slope = each([s = load<Lanes4>(a.parameters + l)](int) { return s; });
      const auto rows = [lanes](const float* p) { return each([=](int f) { return load<Lanes4>(p + f * lanes); }); };
      for (std::ptrdiff_t i = l; i < a.frames * lanes; i += 4 * lanes) {
        const V result = shaped<accuracy, shape>(rows(z + i), nullptr, slope);
        for (int f = 0; f < 4; ++f) store(z + i + f * lanes, result.part[f]);
        count_shaped<shape, V>();
        if (head == nullptr) continue;
        const V sum = add(rows(head + i), result);
        for (int f = 0; f < 4; ++f) store(head + i + f * lanes, sum.part[f]);
      }
    }
  } else {
    count_activation();
    for_row_vectors(static_cast<std::ptrdiff_t>(a.frames) * a.lanes, [&](std::ptrdiff_t i) {
      const V result = shaped<accuracy, shape>(load<V>(z + i), a.parameters, splat<V>(0.0f));
      store(z + i, result);
      count_shaped<shape, V>();
      if (head != nullptr) store(head + i, add(load<V>(head + i), result));
    });
  }
}

constexpr FusedKernels rows_kernels = {
    .layout = Layout::kRows,
    .conv = rows_conv,
    .layer = rows_layer,
    .activate = {NAMPEDAL_SHAPES(rows_activate, Accuracy::kExact), NAMPEDAL_SHAPES(rows_activate, Accuracy::kFast)}};

}  // namespace
