// Activations, over a vector type: part of kernels_impl.h.
#pragma once

#include <cmath>
#include <cstddef>

#include "dsp/kernels/kernels.h"

namespace {

using namespace nampedal;

// ---- activations -------------------------------------------------------------------------------------------------

// Where dividing is fast; lanes_neon.h has its own.
template <class V>
inline V quotient(V a, V b) {
  return div(a, b);
}

// x within +-limit. AVX-512 has its own, in one instruction.
template <class V>
inline V clamp(V x, V limit) {
  return min(max(x, sub(splat<V>(0.0f), limit)), limit);
}

template <class V>
struct Fraction {
  V top;
  V bottom;  // in [7e3, 3.2e5]
};

// tanh. Coefficients and error: fit_tanh.py. Both polynomials in halves (Estrin): short ways, few instructions.
template <class V>
inline Fraction<V> rational_tanh(V x) {
  x = clamp(x, splat<V>(7.1875f));
  const V u = mul(x, x);
  const V u2 = mul(u, u);
  const V p = fma(fma(splat<V>(2.735119023e-02f), u, splat<V>(1.610590032e+01f)), u2,
                  fma(splat<V>(8.765842973e+02f), u, splat<V>(7.139034788e+03f)));
  const V q =
      fma(add(u, splat<V>(1.497377600e+02f)), u2, fma(splat<V>(3.256151135e+03f), u, splat<V>(7.139070901e+03f)));
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
  return quotient(t.top, t.bottom);
}

template <Accuracy accuracy, class V>
inline V sigmoid_of(V x) {
  const V one = splat<V>(1.0f);
  if constexpr (accuracy == Accuracy::kExact) return div(one, add(one, each_lane<V, libm_exp>(sub(splat<V>(0.0f), x))));
  const V half = splat<V>(0.5f);
  const Fraction<V> t = rational_tanh(mul(half, x));
  return fma(half, quotient(t.top, t.bottom), half);
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
    count_shaped<shape, V>();
  }
  return lane;
}

template <Accuracy accuracy, Shape shape>
void activate(const ActivateArgs& args) noexcept {
  ActivateArgs a = args;
  // Rows without gaps are one row, where lanes are all alike.
  if (a.stride == a.lanes && shape != Shape::kPReLU) {
    a.lanes *= a.frames;
    a.frames = 1;
  }
  float* row = a.data;
  for (int f = 0; f < a.frames; ++f, row += a.stride) {
    count_activation();
    int lane = activate_lanes<accuracy, shape, WideLanes>(a, row, 0);
    lane = activate_lanes<accuracy, shape, Lanes8>(a, row, lane);
    activate_lanes<accuracy, shape, Lanes4>(a, row, lane);
  }
}

}  // namespace
