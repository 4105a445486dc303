// The kernels, written once over a vector type. Included by one file per ISA, after its lanes_*.h and uncounted.h, all
// in that file's unnamed namespace: no instantiation is shared between ISAs, so none can be linked into the wrong one.
#pragma once

#include <cmath>
#include <cstddef>

#include "dsp/kernels/activations_impl.h"
#include "dsp/kernels/conv_impl.h"
#include "dsp/kernels/kernels.h"

namespace {

using namespace nampedal;

// ---- the rest: rows of lanes, four at a time ----------------------------------------------------------------------

void scale(const ScaleArgs& a) noexcept {
  for (int f = 0; f < a.frames; ++f) {
    const float* x = a.x + f * a.x_stride;
    const float* factor = a.a + f * a.ab_stride;
    float* out = a.out + f * a.out_stride;
    count_row();
    count_vectors<Lanes4>(a.lanes);
    if (a.b == nullptr) {
      for (int l = 0; l < a.lanes; l += 4) store(out + l, mul(load<Lanes4>(x + l), load<Lanes4>(factor + l)));
    } else {
      const float* shift = a.b + f * a.ab_stride;
      for (int l = 0; l < a.lanes; l += 4) {
        store(out + l, fma(load<Lanes4>(x + l), load<Lanes4>(factor + l), load<Lanes4>(shift + l)));
      }
    }
  }
}

template <class V>
inline int add_lanes(const float* x, float* out, int lane, int lanes) {
  for (; lanes - lane >= V::kWidth; lane += V::kWidth) {
    store(out + lane, add(load<V>(out + lane), load<V>(x + lane)));
    count_vectors<V>(V::kWidth);
  }
  return lane;
}

void add_rows(const AddArgs& a) noexcept {
  for (int f = 0; f < a.frames; ++f) {
    const float* x = a.x + f * a.x_stride;
    float* out = a.out + f * a.out_stride;
    count_row();
    int lane = add_lanes<Lanes16>(x, out, 0, a.lanes);
    lane = add_lanes<Lanes8>(x, out, lane, a.lanes);
    add_lanes<Lanes4>(x, out, lane, a.lanes);
  }
}

void blend(const BlendArgs& a) noexcept {
  for (int f = 0; f < a.frames; ++f) {
    const float* wet = a.wet + f * a.stride;
    const float* alpha = a.alpha + f * a.stride;
    const float* dry = a.dry + f * a.dry_stride;
    float* out = a.out + f * a.out_stride;
    count_row();
    count_vectors<Lanes4>(a.lanes);
    for (int l = 0; l < a.lanes; l += 4) {
      const Lanes4 share = load<Lanes4>(alpha + l);
      const Lanes4 rest = mul(sub(splat<Lanes4>(1.0f), share), load<Lanes4>(dry + l));
      store(out + l, fma(share, load<Lanes4>(wet + l), rest));
    }
  }
}

// ---- LSTM: what bounds it is the way from one hidden state to the next --------------------------------------------

constexpr int kLstmSums = Registers::kLstmSums;

template <class V>
struct LstmState {
  V cell;
  V hidden;
};

// sums: of the gates i, f, g, o.
template <Accuracy accuracy, class V>
inline LstmState<V> lstm_state(const V (&sums)[4], V cell) {
  if constexpr (accuracy == Accuracy::kExact) {
    const V kept = mul(sigmoid_of<accuracy>(sums[1]), cell);
    const V now = fma(sigmoid_of<accuracy>(sums[0]), tanh_of<accuracy>(sums[2]), kept);
    return {now, mul(sigmoid_of<accuracy>(sums[3]), tanh_of<accuracy>(now))};
  }
  // Two divisions instead of five, on common denominators: sigmoid(x) = (q + p) / 2q where tanh(x / 2) = p / q.
  const V half = splat<V>(0.5f);
  const V two = splat<V>(2.0f);
  const Fraction<V> i = rational_tanh(mul(half, sums[0]));
  const Fraction<V> f = rational_tanh(mul(half, sums[1]));
  const Fraction<V> g = rational_tanh(sums[2]);
  const Fraction<V> o = rational_tanh(mul(half, sums[3]));
  const V ig_bottom = mul(i.bottom, g.bottom);
  const V kept = mul(mul(add(f.bottom, f.top), cell), ig_bottom);
  const V top = fma(mul(add(i.bottom, i.top), g.top), f.bottom, kept);
  const V now = quotient(top, mul(mul(two, f.bottom), ig_bottom));
  const Fraction<V> c = rational_tanh(now);
  return {now, quotient(mul(add(o.bottom, o.top), c.top), mul(mul(two, o.bottom), c.bottom))};
}

template <Accuracy accuracy, class V>
inline int lstm_lanes(const LstmArgs& a, int lane) {
  for (; a.lanes - lane >= V::kWidth; lane += V::kWidth) {
    count_lstm_vector(a);
    V sum[4][kLstmSums];
    for (int gate = 0; gate < 4; ++gate) {
      sum[gate][0] = load<V>(a.bias + gate * a.lanes + lane);
      for (int s = 1; s < kLstmSums; ++s) sum[gate][s] = splat<V>(0.0f);
    }
    const float* w = a.weights + lane;
    int i = 0;
    for (; i + kLstmSums <= a.in_channels; i += kLstmSums) {
#pragma GCC unroll 4
      for (int s = 0; s < kLstmSums; ++s, w += 4 * a.lanes) {
        const V x = splat<V>(a.in[i + s]);
#pragma GCC unroll 4
        for (int gate = 0; gate < 4; ++gate) sum[gate][s] = fma(x, load<V>(w + gate * a.lanes), sum[gate][s]);
      }
    }
    for (; i < a.in_channels; ++i, w += 4 * a.lanes) {
      const V x = splat<V>(a.in[i]);
#pragma GCC unroll 4
      for (int gate = 0; gate < 4; ++gate) sum[gate][0] = fma(x, load<V>(w + gate * a.lanes), sum[gate][0]);
    }
    V total[4];
    for (int gate = 0; gate < 4; ++gate) {
      if constexpr (kLstmSums == 4) {
        total[gate] = add(add(sum[gate][0], sum[gate][1]), add(sum[gate][2], sum[gate][3]));
      } else {
        total[gate] = add(sum[gate][0], sum[gate][1]);
      }
    }
    const LstmState<V> state = lstm_state<accuracy>(total, load<V>(a.cell + lane));
    store(a.cell + lane, state.cell);
    store(a.hidden + lane, state.hidden);
  }
  return lane;
}

template <Accuracy accuracy>
void lstm(const LstmArgs& a) noexcept {
  count_lstm(a);
  int lane = lstm_lanes<accuracy, Lanes16>(a, 0);
  lane = lstm_lanes<accuracy, Lanes8>(a, lane);
  lstm_lanes<accuracy, Lanes4>(a, lane);
}

// ---- the set -----------------------------------------------------------------------------------------------------

#define NAMPEDAL_SHAPES(function, accuracy)                                          \
  {function<accuracy, Shape::kTanh>,          function<accuracy, Shape::kHardTanh>,  \
   function<accuracy, Shape::kFastTanh>,      function<accuracy, Shape::kReLU>,      \
   function<accuracy, Shape::kPReLU>,         function<accuracy, Shape::kSigmoid>,   \
   function<accuracy, Shape::kSiLU>,          function<accuracy, Shape::kHardSwish>, \
   function<accuracy, Shape::kLeakyHardTanh>, function<accuracy, Shape::kSoftsign>,  \
   function<accuracy, Shape::kSoftsigmoid>}

constexpr Kernels kernels_named(const char* name, const FusedKernels* planes, const FusedKernels* rows) {
  return {.name = name,
          .planes = planes,
          .rows = rows,
          .conv = conv,
          .fir = fir,
          .activate = {NAMPEDAL_SHAPES(activate, Accuracy::kExact), NAMPEDAL_SHAPES(activate, Accuracy::kFast)},
          .scale = scale,
          .add = add_rows,
          .blend = blend,
          .lstm = {lstm<Accuracy::kExact>, lstm<Accuracy::kFast>}};
}

}  // namespace
