// 4, 8 and, with AVX-512, 16 floats of x86-64 with FMA.
#pragma once

#include <immintrin.h>

#include "dsp/kernels/register_use.h"

namespace {

struct Lanes4 {
  static constexpr int kWidth = 4;
  __m128 v;
};
struct Lanes8 {
  static constexpr int kWidth = 8;
  __m256 v;
};

template <class V>
V load(const float* p);
template <class V>
V splat(float x);

template <>
inline Lanes4 load<Lanes4>(const float* p) {
  return {_mm_loadu_ps(p)};
}
template <>
inline Lanes4 splat<Lanes4>(float x) {
  return {_mm_set1_ps(x)};
}
inline void store(float* p, Lanes4 a) { _mm_storeu_ps(p, a.v); }
inline Lanes4 add(Lanes4 a, Lanes4 b) { return {_mm_add_ps(a.v, b.v)}; }
inline Lanes4 sub(Lanes4 a, Lanes4 b) { return {_mm_sub_ps(a.v, b.v)}; }
inline Lanes4 mul(Lanes4 a, Lanes4 b) { return {_mm_mul_ps(a.v, b.v)}; }
inline Lanes4 div(Lanes4 a, Lanes4 b) { return {_mm_div_ps(a.v, b.v)}; }
inline Lanes4 fma(Lanes4 a, Lanes4 b, Lanes4 c) { return {_mm_fmadd_ps(a.v, b.v, c.v)}; }
inline Lanes4 min(Lanes4 a, Lanes4 b) { return {_mm_min_ps(a.v, b.v)}; }
inline Lanes4 max(Lanes4 a, Lanes4 b) { return {_mm_max_ps(a.v, b.v)}; }
inline Lanes4 abs(Lanes4 a) { return {_mm_andnot_ps(_mm_set1_ps(-0.0f), a.v)}; }
inline Lanes4 where_positive(Lanes4 a, Lanes4 b, Lanes4 c) {
  return {_mm_blendv_ps(c.v, b.v, _mm_cmp_ps(a.v, _mm_setzero_ps(), _CMP_GT_OQ))};
}

template <>
inline Lanes8 load<Lanes8>(const float* p) {
  return {_mm256_loadu_ps(p)};
}
template <>
inline Lanes8 splat<Lanes8>(float x) {
  return {_mm256_set1_ps(x)};
}
inline void store(float* p, Lanes8 a) { _mm256_storeu_ps(p, a.v); }
inline Lanes8 add(Lanes8 a, Lanes8 b) { return {_mm256_add_ps(a.v, b.v)}; }
inline Lanes8 sub(Lanes8 a, Lanes8 b) { return {_mm256_sub_ps(a.v, b.v)}; }
inline Lanes8 mul(Lanes8 a, Lanes8 b) { return {_mm256_mul_ps(a.v, b.v)}; }
inline Lanes8 div(Lanes8 a, Lanes8 b) { return {_mm256_div_ps(a.v, b.v)}; }
inline Lanes8 fma(Lanes8 a, Lanes8 b, Lanes8 c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
inline Lanes8 min(Lanes8 a, Lanes8 b) { return {_mm256_min_ps(a.v, b.v)}; }
inline Lanes8 max(Lanes8 a, Lanes8 b) { return {_mm256_max_ps(a.v, b.v)}; }
inline Lanes8 abs(Lanes8 a) { return {_mm256_andnot_ps(_mm256_set1_ps(-0.0f), a.v)}; }
inline Lanes8 where_positive(Lanes8 a, Lanes8 b, Lanes8 c) {
  return {_mm256_blendv_ps(c.v, b.v, _mm256_cmp_ps(a.v, _mm256_setzero_ps(), _CMP_GT_OQ))};
}

#if defined(__AVX512F__)

struct Lanes16 {
  static constexpr int kWidth = 16;
  __m512 v;
};

template <>
inline Lanes16 load<Lanes16>(const float* p) {
  return {_mm512_loadu_ps(p)};
}
template <>
inline Lanes16 splat<Lanes16>(float x) {
  return {_mm512_set1_ps(x)};
}
inline void store(float* p, Lanes16 a) { _mm512_storeu_ps(p, a.v); }
inline Lanes16 add(Lanes16 a, Lanes16 b) { return {_mm512_add_ps(a.v, b.v)}; }
inline Lanes16 sub(Lanes16 a, Lanes16 b) { return {_mm512_sub_ps(a.v, b.v)}; }
inline Lanes16 mul(Lanes16 a, Lanes16 b) { return {_mm512_mul_ps(a.v, b.v)}; }
inline Lanes16 div(Lanes16 a, Lanes16 b) { return {_mm512_div_ps(a.v, b.v)}; }
inline Lanes16 fma(Lanes16 a, Lanes16 b, Lanes16 c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
inline Lanes16 min(Lanes16 a, Lanes16 b) { return {_mm512_min_ps(a.v, b.v)}; }
inline Lanes16 max(Lanes16 a, Lanes16 b) { return {_mm512_max_ps(a.v, b.v)}; }
inline Lanes16 abs(Lanes16 a) { return {_mm512_abs_ps(a.v)}; }
inline Lanes16 where_positive(Lanes16 a, Lanes16 b, Lanes16 c) {
  return {_mm512_mask_blend_ps(_mm512_cmp_ps_mask(a.v, _mm512_setzero_ps(), _CMP_GT_OQ), c.v, b.v)};
}

#else

using Lanes16 = Lanes8;

#endif

#if defined(__AVX512DQ__)
// The operand of smaller magnitude, with the sign of the first.
inline Lanes4 clamp(Lanes4 x, Lanes4 limit) { return {_mm_range_ps(x.v, limit.v, 2)}; }
inline Lanes8 clamp(Lanes8 x, Lanes8 limit) { return {_mm256_range_ps(x.v, limit.v, 2)}; }
inline Lanes16 clamp(Lanes16 x, Lanes16 limit) { return {_mm512_range_ps(x.v, limit.v, 2)}; }
#endif

// What loops over independent values use.
using WideLanes = Lanes16;

// What the register file holds (register_use.h).
#if defined(__AVX512F__)
using Registers = nampedal::Registers32;
#else
using Registers = nampedal::Registers16;
#endif

}  // namespace
