#include "dsp/counting/isas.h"
#include "dsp/counting/lanes_counted.h"

namespace {

using Lanes4 = Empty<4>;
using Lanes8 = Lanes4;
using Lanes16 = Lanes4;
using WideLanes = Lanes4;
using Registers = nampedal::Registers32;
constexpr int kPlaneReloads = 0;

}  // namespace

// Behind them: they are written over the types of the first.
#include "dsp/counting/counted.h"
#include "dsp/kernels/kernels_impl.h"

namespace nampedal {

const CountedIsa counted_scalar = {.kernels = kernels_named("scalar", nullptr, nullptr), .widest = Lanes16::kWidth};

}  // namespace nampedal
