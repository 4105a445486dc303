// Four floats of aarch64.
#pragma once

#include <arm_neon.h>

#include "dsp/kernels/register_use.h"

namespace {

struct Lanes4 {
  static constexpr int kWidth = 4;
  float32x4_t v;
};

template <class V>
V load(const float* p);
template <class V>
V splat(float x);

template <>
inline Lanes4 load<Lanes4>(const float* p) {
  return {vld1q_f32(p)};
}
template <>
inline Lanes4 splat<Lanes4>(float x) {
  return {vdupq_n_f32(x)};
}
inline void store(float* p, Lanes4 a) { vst1q_f32(p, a.v); }
inline Lanes4 add(Lanes4 a, Lanes4 b) { return {vaddq_f32(a.v, b.v)}; }
inline Lanes4 sub(Lanes4 a, Lanes4 b) { return {vsubq_f32(a.v, b.v)}; }
inline Lanes4 mul(Lanes4 a, Lanes4 b) { return {vmulq_f32(a.v, b.v)}; }
inline Lanes4 div(Lanes4 a, Lanes4 b) { return {vdivq_f32(a.v, b.v)}; }
// a / b to the last bit or two, for 1e-30 < b < 1e30: cores of this kind divide slowly, and one at a time. Estimate of
// 8 bits, two Newton steps.
inline Lanes4 quotient(Lanes4 a, Lanes4 b) {
  float32x4_t r = vrecpeq_f32(b.v);
  r = vmulq_f32(r, vrecpsq_f32(b.v, r));
  return {vmulq_f32(vmulq_f32(a.v, r), vrecpsq_f32(b.v, r))};
}
inline Lanes4 fma(Lanes4 a, Lanes4 b, Lanes4 c) { return {vfmaq_f32(c.v, a.v, b.v)}; }
// a * b[lane] + c.
template <int lane>
inline Lanes4 fma_lane(Lanes4 a, Lanes4 b, Lanes4 c) {
  return {vfmaq_laneq_f32(c.v, a.v, b.v, lane)};
}
inline Lanes4 min(Lanes4 a, Lanes4 b) { return {vminq_f32(a.v, b.v)}; }
inline Lanes4 max(Lanes4 a, Lanes4 b) { return {vmaxq_f32(a.v, b.v)}; }
inline Lanes4 abs(Lanes4 a) { return {vabsq_f32(a.v)}; }
inline Lanes4 where_positive(Lanes4 a, Lanes4 b, Lanes4 c) { return {vbslq_f32(vcgtzq_f32(a.v), b.v, c.v)}; }

// What the register file holds (register_use.h).
using Registers = nampedal::Registers32;

using Lanes8 = Lanes4;
using Lanes16 = Lanes4;

// What loops over independent values use: four vectors at once, so that an in-order core has something to do while one
// waits.
struct WideLanes {
  static constexpr int kWidth = 16;
  Lanes4 part[4];
};

template <class F>
inline WideLanes each(F f) {
  return {{f(0), f(1), f(2), f(3)}};
}
template <>
inline WideLanes load<WideLanes>(const float* p) {
  return each([=](int i) { return load<Lanes4>(p + 4 * i); });
}
template <>
inline WideLanes splat<WideLanes>(float x) {
  const Lanes4 all = splat<Lanes4>(x);
  return {{all, all, all, all}};
}
inline void store(float* p, WideLanes a) {
  for (int i = 0; i < 4; ++i) store(p + 4 * i, a.part[i]);
}
#define NAMPEDAL_EACH1(f) \
  inline WideLanes f(WideLanes a) { return {{f(a.part[0]), f(a.part[1]), f(a.part[2]), f(a.part[3])}}; }
#define NAMPEDAL_EACH2(f)                                                                                          \
  inline WideLanes f(WideLanes a, WideLanes b) {                                                                   \
    return {{f(a.part[0], b.part[0]), f(a.part[1], b.part[1]), f(a.part[2], b.part[2]), f(a.part[3], b.part[3])}}; \
  }
#define NAMPEDAL_EACH3(f)                                                              \
  inline WideLanes f(WideLanes a, WideLanes b, WideLanes c) {                          \
    return {{f(a.part[0], b.part[0], c.part[0]), f(a.part[1], b.part[1], c.part[1]),   \
             f(a.part[2], b.part[2], c.part[2]), f(a.part[3], b.part[3], c.part[3])}}; \
  }
NAMPEDAL_EACH1(abs)
NAMPEDAL_EACH2(add)
NAMPEDAL_EACH2(sub)
NAMPEDAL_EACH2(mul)
NAMPEDAL_EACH2(div)
NAMPEDAL_EACH2(quotient)
NAMPEDAL_EACH2(min)
NAMPEDAL_EACH2(max)
NAMPEDAL_EACH3(fma)
NAMPEDAL_EACH3(where_positive)
#undef NAMPEDAL_EACH1
#undef NAMPEDAL_EACH2
#undef NAMPEDAL_EACH3

}  // namespace
