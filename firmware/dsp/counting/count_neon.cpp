#include "dsp/counting/isas.h"
#include "dsp/counting/lanes_counted.h"

namespace {

using Lanes4 = Empty<4>;
using Lanes8 = Lanes4;
using Lanes16 = Lanes4;
struct WideLanes {
  static constexpr int kWidth = 16;
  Lanes4 part[4];
};
template <class F>
WideLanes each(const F&) {
  return {};
}
using Registers = nampedal::Registers32;
// Up to so many outputs the compiled loop loads the inputs again for each (from the disassembly, gcc 12.2).
constexpr int kPlaneReloads = 0;

}  // namespace

// Behind them: they are written over the types of the first.
#include "dsp/counting/counted.h"
#include "dsp/kernels/kernels_impl.h"
#include "dsp/kernels/neon_tiles.h"
#include "dsp/kernels/planar_impl.h"

namespace {

// Multiply-adds of so many vectors of outputs, with the mixin, and the loops around them.
void count_tiles(const NeonTiles& t, int vectors) {
  const auto tiles = static_cast<double>(t.tiles);
  count(Term::rows_macs, tiles * kRowsTogether * vectors * static_cast<double>(t.inputs * t.taps + t.mix_inputs));
  count(Term::rows_taps, tiles * static_cast<double>(t.taps));
  count(Term::rows_tiles, tiles);
  count(Term::rows_calls, 1);
}

inline void run_tiles8(const NeonTiles& tiles) { count_tiles(tiles, 2); }
inline void run_tiles4(const NeonTiles& tiles) { count_tiles(tiles, 1); }

}  // namespace

#include "dsp/kernels/rows_impl.h"

namespace nampedal {

const CountedIsa counted_neon = {.kernels = kernels_named("neon", &planar_kernels, &rows_kernels),
                                 .widest = Lanes16::kWidth};

}  // namespace nampedal
