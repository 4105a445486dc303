#include "dsp/counting/isas.h"
#include "dsp/counting/lanes_counted.h"

namespace {

using Lanes4 = Empty<4>;
using Lanes8 = Empty<8>;
using Lanes16 = Lanes8;
using WideLanes = Lanes16;
using Registers = nampedal::Registers16;
// Up to so many outputs the compiled loop loads the inputs again for each (from the disassembly, gcc 12.2).
constexpr int kPlaneReloads = 2;

}  // namespace

// Behind them: they are written over the types of the first.
#include "dsp/counting/counted.h"
#include "dsp/kernels/kernels_impl.h"
#include "dsp/kernels/planar_impl.h"

namespace nampedal {

const CountedIsa counted_avx2 = {.kernels = kernels_named("avx2", &planar_kernels, nullptr), .widest = Lanes16::kWidth};

}  // namespace nampedal
