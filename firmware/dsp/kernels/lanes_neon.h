// Four floats of aarch64.
#pragma once

#include <arm_neon.h>

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
inline Lanes4 fma(Lanes4 a, Lanes4 b, Lanes4 c) { return {vfmaq_f32(c.v, a.v, b.v)}; }
inline Lanes4 min(Lanes4 a, Lanes4 b) { return {vminq_f32(a.v, b.v)}; }
inline Lanes4 max(Lanes4 a, Lanes4 b) { return {vmaxq_f32(a.v, b.v)}; }
inline Lanes4 abs(Lanes4 a) { return {vabsq_f32(a.v)}; }
inline Lanes4 where_positive(Lanes4 a, Lanes4 b, Lanes4 c) { return {vbslq_f32(vcgtzq_f32(a.v), b.v, c.v)}; }

using Lanes8 = Lanes4;
using Lanes16 = Lanes4;

}  // namespace
