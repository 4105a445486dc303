// The kernels, written once over a vector type. Included by one file per ISA, after its lanes_*.h, all in that file's
// unnamed namespace: no instantiation is shared between ISAs, so none can be linked into the wrong one.
#pragma once

#include <cmath>
#include <cstddef>

#include "kernels.h"

namespace {

using namespace nampedal;

// ---- convolution -------------------------------------------------------------------------------------------------

// kFrames frames x kVectors vectors of outputs, accumulated in registers: taps outermost, then inputs, in order.
template <class V, int kVectors, int kFrames>
inline void conv_tile(const ConvArgs& a, int lane, int frame) {
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
  // As many accumulators as the register file holds beside the weights: 16 registers with AVX2, 32 elsewhere.
#if defined(__AVX2__) && !defined(__AVX512F__)
  constexpr int kTile = kVectors == 1 ? 8 : 6;
#else
  constexpr int kTile = 8;
#endif
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
  int lane = conv_vectors<Lanes16>(a, 0);
  lane = conv_vectors<Lanes8>(a, lane);
  conv_vectors<Lanes4>(a, lane);
}

// ---- finite impulse response: frames are the lanes ----------------------------------------------------------------

template <int kVectors>
inline void fir_tile(const FirArgs& a, int frame, int valid) {
  using V = Lanes8;
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

// ---- activations -------------------------------------------------------------------------------------------------

template <class V>
struct Fraction {
  V top;
  V bottom;  // in [1, 442]
};

// tanh. Coefficients and error: fit_tanh.py.
template <class V>
inline Fraction<V> rational_tanh(V x) {
  x = min(max(x, splat<V>(-9.125f)), splat<V>(9.125f));
  const V u = mul(x, x);
  V p = fma(splat<V>(1.305676424e-08f), u, splat<V>(2.038477909e-05f));
  p = fma(p, u, splat<V>(3.481502223e-03f));
  p = fma(p, u, splat<V>(1.336899132e-01f));
  p = fma(p, u, splat<V>(9.999999212e-01f));
  V q = fma(splat<V>(7.651962023e-07f), u, splat<V>(3.262930539e-04f));
  q = fma(q, u, splat<V>(2.582287173e-02f));
  q = fma(q, u, splat<V>(4.670229074e-01f));
  q = fma(q, u, splat<V>(1.0f));
  return {mul(x, p), q};
}

template <class V, float (*f)(float)>
inline V each_lane(V x) {
  float lanes[V::kWidth];
  store(lanes, x);
  for (int i = 0; i < V::kWidth; ++i) lanes[i] = f(lanes[i]);
  return load<V>(lanes);
}

inline float libm_tanh(float x) { return tanhf(x); }
inline float libm_exp(float x) { return expf(x); }

template <Accuracy accuracy, class V>
inline V tanh_of(V x) {
  if constexpr (accuracy == Accuracy::kExact) return each_lane<V, libm_tanh>(x);
  const Fraction<V> t = rational_tanh(x);
  return div(t.top, t.bottom);
}

template <Accuracy accuracy, class V>
inline V sigmoid_of(V x) {
  const V one = splat<V>(1.0f);
  if constexpr (accuracy == Accuracy::kExact) return div(one, add(one, each_lane<V, libm_exp>(sub(splat<V>(0.0f), x))));
  const V half = splat<V>(0.5f);
  const Fraction<V> t = rational_tanh(mul(half, x));
  return fma(half, div(t.top, t.bottom), half);
}

// One shape: a function of a vector and of the slope that belongs to each of its lanes.
template <Accuracy accuracy, Shape shape, class V>
inline V shaped(V x, const float* parameters, [[maybe_unused]] V slope) {
  const V zero = splat<V>(0.0f);
  const V one = splat<V>(1.0f);
  if constexpr (shape == Shape::kTanh) return tanh_of<accuracy>(x);
  if constexpr (shape == Shape::kHardTanh) return min(max(x, splat<V>(-1.0f)), one);
  if constexpr (shape == Shape::kFastTanh) {
    // NeuralAmpModelerCore's approximation; for a file that names it, it is the definition.
    const V ax = abs(x);
    const V x2 = mul(x, x);
    const V c0 = splat<V>(2.45550750702956f);
    const V c1 = splat<V>(2.44506634652299f);
    const V top = fma(fma(splat<V>(0.821226666969744f), ax, splat<V>(0.893229853513558f)), x2, fma(c0, ax, c0));
    const V bottom = fma(add(c1, x2), abs(fma(mul(splat<V>(0.814642734961073f), x), ax, x)), c1);
    return div(mul(x, top), bottom);
  }
  if constexpr (shape == Shape::kReLU) return max(x, zero);
  if constexpr (shape == Shape::kPReLU) return where_positive(x, x, mul(slope, x));
  if constexpr (shape == Shape::kSigmoid) return sigmoid_of<accuracy>(x);
  if constexpr (shape == Shape::kSiLU) return mul(x, sigmoid_of<accuracy>(x));
  if constexpr (shape == Shape::kHardSwish) {
    const V ramp = min(max(add(x, splat<V>(3.0f)), zero), splat<V>(6.0f));
    return mul(mul(x, ramp), splat<V>(1.0f / 6.0f));
  }
  if constexpr (shape == Shape::kLeakyHardTanh) {
    const V low = splat<V>(parameters[0]);
    const V high = splat<V>(parameters[1]);
    const V below = fma(sub(x, low), splat<V>(parameters[2]), low);
    const V above = fma(sub(x, high), splat<V>(parameters[3]), high);
    return where_positive(sub(low, x), below, where_positive(sub(x, high), above, x));
  }
  if constexpr (shape == Shape::kSoftsign) return div(x, add(one, abs(x)));
  if constexpr (shape == Shape::kSoftsigmoid) {
    return mul(splat<V>(0.5f), add(one, div(x, add(one, abs(x)))));
  }
}

template <Accuracy accuracy, Shape shape, class V>
inline int activate_lanes(const ActivateArgs& a, float* row, int lane) {
  for (; a.lanes - lane >= V::kWidth; lane += V::kWidth) {
    V slope = splat<V>(0.0f);
    if constexpr (shape == Shape::kPReLU) slope = load<V>(a.parameters + lane);
    store(row + lane, shaped<accuracy, shape>(load<V>(row + lane), a.parameters, slope));
  }
  return lane;
}

template <Accuracy accuracy, Shape shape>
void activate(const ActivateArgs& a) noexcept {
  float* row = a.data;
  for (int f = 0; f < a.frames; ++f, row += a.stride) {
    int lane = activate_lanes<accuracy, shape, Lanes16>(a, row, 0);
    lane = activate_lanes<accuracy, shape, Lanes8>(a, row, lane);
    activate_lanes<accuracy, shape, Lanes4>(a, row, lane);
  }
}

// ---- the rest: rows of lanes, four at a time ----------------------------------------------------------------------

void scale(const ScaleArgs& a) noexcept {
  for (int f = 0; f < a.frames; ++f) {
    const float* x = a.x + f * a.x_stride;
    const float* factor = a.a + f * a.ab_stride;
    float* out = a.out + f * a.out_stride;
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
  for (; lanes - lane >= V::kWidth; lane += V::kWidth) store(out + lane, add(load<V>(out + lane), load<V>(x + lane)));
  return lane;
}

void add_rows(const AddArgs& a) noexcept {
  for (int f = 0; f < a.frames; ++f) {
    const float* x = a.x + f * a.x_stride;
    float* out = a.out + f * a.out_stride;
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
    for (int l = 0; l < a.lanes; l += 4) {
      const Lanes4 share = load<Lanes4>(alpha + l);
      const Lanes4 rest = mul(sub(splat<Lanes4>(1.0f), share), load<Lanes4>(dry + l));
      store(out + l, fma(share, load<Lanes4>(wet + l), rest));
    }
  }
}

// ---- LSTM: what bounds it is the way from one hidden state to the next --------------------------------------------

// Partial sums of each gate, so that additions do not wait for one another; as many as registers hold.
#if defined(__AVX2__) && !defined(__AVX512F__)
constexpr int kLstmSums = 2;
#else
constexpr int kLstmSums = 4;
#endif

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
  const V now = div(top, mul(mul(two, f.bottom), ig_bottom));
  const Fraction<V> c = rational_tanh(now);
  return {now, div(mul(add(o.bottom, o.top), c.top), mul(mul(two, o.bottom), c.bottom))};
}

template <Accuracy accuracy, class V>
inline int lstm_lanes(const LstmArgs& a, int lane) {
  for (; a.lanes - lane >= V::kWidth; lane += V::kWidth) {
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

constexpr Kernels kernels_named(const char* name, const PlanarKernels* planar) {
  return {name,
          planar,
          conv,
          fir,
          {NAMPEDAL_SHAPES(activate, Accuracy::kExact), NAMPEDAL_SHAPES(activate, Accuracy::kFast)},
          scale,
          add_rows,
          blend,
          {lstm<Accuracy::kExact>, lstm<Accuracy::kFast>}};
}

}  // namespace
