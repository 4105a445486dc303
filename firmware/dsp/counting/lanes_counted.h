// Vectors without numbers: the kernels run over them as over any others, and compute nothing. What they store is zero.
#pragma once

#include <algorithm>
#include <concepts>

#include "dsp/kernels/register_use.h"

namespace {

template <int kFloats>
struct Empty {
  static constexpr int kWidth = kFloats;
};

template <class V>
concept Lanes = requires {
  { V::kWidth } -> std::convertible_to<int>;
};

template <class V>
V load(const float*) {
  return {};
}
template <class V>
V splat(float) {
  return {};
}
template <Lanes V>
void store(float* p, V) {
  std::fill_n(p, V::kWidth, 0.0f);
}
template <Lanes V>
V abs(V) {
  return {};
}
template <Lanes V>
V add(V, V) {
  return {};
}
template <Lanes V>
V sub(V, V) {
  return {};
}
template <Lanes V>
V mul(V, V) {
  return {};
}
template <Lanes V>
V div(V, V) {
  return {};
}
template <Lanes V>
V min(V, V) {
  return {};
}
template <Lanes V>
V max(V, V) {
  return {};
}
template <Lanes V>
V fma(V, V, V) {
  return {};
}
template <int lane, Lanes V>
V fma_lane(V, V, V) {
  return {};
}
template <Lanes V>
V where_positive(V, V, V) {
  return {};
}

}  // namespace
