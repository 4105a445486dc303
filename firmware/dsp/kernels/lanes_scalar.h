// Four floats in plain C++: the oracle. Never contracted to FMA (the build sets -ffp-contract=off).
#pragma once

#include "dsp/kernels/register_use.h"

namespace {

struct Lanes4 {
  static constexpr int kWidth = 4;
  float v[4];
};

template <class F>
inline Lanes4 each(F f) {
  return {{f(0), f(1), f(2), f(3)}};
}

template <class V>
V load(const float* p);
template <class V>
V splat(float x);

template <>
inline Lanes4 load<Lanes4>(const float* p) {
  return {{p[0], p[1], p[2], p[3]}};
}
template <>
inline Lanes4 splat<Lanes4>(float x) {
  return {{x, x, x, x}};
}
inline void store(float* p, Lanes4 a) {
  for (int i = 0; i < 4; ++i) p[i] = a.v[i];
}
inline Lanes4 add(Lanes4 a, Lanes4 b) {
  return each([&](int i) { return a.v[i] + b.v[i]; });
}
inline Lanes4 sub(Lanes4 a, Lanes4 b) {
  return each([&](int i) { return a.v[i] - b.v[i]; });
}
inline Lanes4 mul(Lanes4 a, Lanes4 b) {
  return each([&](int i) { return a.v[i] * b.v[i]; });
}
inline Lanes4 div(Lanes4 a, Lanes4 b) {
  return each([&](int i) { return a.v[i] / b.v[i]; });
}
// a * b + c
inline Lanes4 fma(Lanes4 a, Lanes4 b, Lanes4 c) {
  return each([&](int i) { return a.v[i] * b.v[i] + c.v[i]; });
}
inline Lanes4 min(Lanes4 a, Lanes4 b) {
  return each([&](int i) { return a.v[i] < b.v[i] ? a.v[i] : b.v[i]; });
}
inline Lanes4 max(Lanes4 a, Lanes4 b) {
  return each([&](int i) { return a.v[i] > b.v[i] ? a.v[i] : b.v[i]; });
}
inline Lanes4 abs(Lanes4 a) {
  return each([&](int i) { return a.v[i] < 0.0f ? -a.v[i] : a.v[i]; });
}
// a > 0 ? b : c
inline Lanes4 where_positive(Lanes4 a, Lanes4 b, Lanes4 c) {
  return each([&](int i) { return a.v[i] > 0.0f ? b.v[i] : c.v[i]; });
}

using Lanes8 = Lanes4;
using Lanes16 = Lanes4;
using WideLanes = Lanes4;

using Registers = nampedal::Registers32;

}  // namespace
