// The fused path: one call a WaveNet layer, tile by tile within the first-level cache, in the layout that an ISA's
// vectors like best.
//
//   planes  channel c of frame f stands at data[c * stride + f]; the lanes of a vector are frames. Wide vectors waste
//           nothing on captures of few channels.
//   rows    as kernels.h has them; the lanes of a vector are channels. One stream of memory a tap, whatever the
//           channels: small cores have few translation entries and prefetch few streams.
//
// Each frame is computed by the same sequence of operations as on the general path, so both give the same bits. What a
// kernel writes, it writes, with values that mean nothing, up to slack_frames() behind the last frame.
#pragma once

#include <cstddef>
#include <cstdint>

namespace nampedal {

enum class Layout : std::uint8_t { kPlanes, kRows };

// Frames of a tile.
inline constexpr int kFusedTile = 64;
// Frames that one register tile of rows holds.
inline constexpr int kRowsTogether = 8;

constexpr int slack_frames(Layout layout) { return layout == Layout::kPlanes ? kFusedTile : kRowsTogether; }

// Floats behind the last weight of rows that may be read (never used).
inline constexpr int kRowsWeightSlack = 4 * kRowsTogether;

// Floats from one plane to the next: an odd number of cache lines, so that the planes of one frame do not fall into the
// same set of the first-level cache.
constexpr std::ptrdiff_t plane_stride(int frames) {
  constexpr int kLine = 16;
  return ((static_cast<std::ptrdiff_t>(frames) + kLine - 1) / kLine | 1) * kLine;
}

// stride: floats from one plane, or row, to the next.
struct Signal {
  float* data = nullptr;
  std::ptrdiff_t stride = 0;
};

// For planes packed as ConvArgs has it: [tap][in][lanes] and [lanes]. For rows, outputs are taken by eight, and the
// last four of all or of a half by themselves: [group][tap][in][8 or 4], where `in` beyond 4 is padded to fours.
struct FusedWeights {
  const float* weights;
  const float* bias;
  int taps;
  int dilation;
  int in_channels;
  int out_channels;  // of each half, where there are two
  int lanes;
};

// A signal that is written, and how many floats before it each frame is written once more (rt/history.h); 0: nowhere.
struct Written {
  Signal signal;
  std::ptrdiff_t mirror = 0;
};

// out = bias + conv(in); `in` is the present, the past lies before it.
struct FusedConvArgs {
  FusedWeights conv;
  Signal in;
  Written out;
  int frames;
};

// The tile after the conv, in place: planes of kFusedTile frames, or rows of `lanes`. `frames` is whole vectors.
struct FusedActivateArgs {
  float* data;
  int channels;
  int lanes;
  int frames;
  const float* parameters;  // as ActivateArgs has them
  Signal head;              // the result is added to it; {}: to nothing
};

using FusedActivate = void (*)(const FusedActivateArgs&) noexcept;

enum class Gate : std::uint8_t { kOff, kGated, kBlended };

// One layer: z = mixin(condition) + conv(x), the mixin having the bias of both; a = activation(z), gated; head += a;
// next = x + layer1x1(a).
struct FusedLayer {
  FusedWeights conv;  // with gating, the two halves' outputs are each padded to lanes / 2
  FusedWeights mixin;
  FusedWeights layer1x1;
  Gate gate;
  FusedActivate activate;
  const float* parameters;
  FusedActivate activate_gate;
  const float* gate_parameters;
  float* scratch;  // fused_scratch() floats
};

struct FusedLayerArgs {
  Signal x;
  Signal condition;
  Signal head;
  Written next;  // {}: nobody hears it
  int frames;
};

// Three tiles: z, its gate, and z before the activation.
constexpr std::size_t fused_scratch(int lanes) { return 3 * static_cast<std::size_t>(lanes) * kFusedTile; }

}  // namespace nampedal
