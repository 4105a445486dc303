// The ISAs whose work can be counted, on any CPU, best first.
#pragma once

#include "dsp/kernels/kernels.h"

namespace nampedal {

struct CountedIsa {
  Kernels kernels;
  int widest;  // floats of its widest vector
};

extern const CountedIsa counted_avx512;
extern const CountedIsa counted_avx2;
extern const CountedIsa counted_neon;
extern const CountedIsa counted_scalar;

inline constexpr const CountedIsa* kCountedIsas[] = {&counted_avx512, &counted_avx2, &counted_neon, &counted_scalar};

}  // namespace nampedal
