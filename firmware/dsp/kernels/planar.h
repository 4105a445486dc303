// Kernels on planes: channel c of frame f stands at data[c * stride + f], and the lanes of a vector are frames.
//
// On wide vectors this wastes nothing on captures of few channels. Each frame is computed by the same sequence of
// operations as on rows (kernels.h), so both give the same bits. Every plane is written, with values that mean nothing,
// up to kPlanarSlack floats behind the last frame.
#pragma once

#include <cstddef>

namespace nampedal {

// Frames that the widest kernel takes together.
inline constexpr int kPlanarTile = 64;
inline constexpr int kPlanarSlack = kPlanarTile;

// Floats from one plane to the next: room for the frames and the slack, and an odd number of cache lines, so that the
// planes of one frame do not fall into the same set of the first-level cache.
constexpr std::ptrdiff_t plane_stride(int frames) {
  constexpr int kLine = 16;
  const std::ptrdiff_t lines = (static_cast<std::ptrdiff_t>(frames) + kPlanarSlack + kLine - 1) / kLine;
  return (lines | 1) * kLine;
}

struct Planes {
  float* data = nullptr;
  std::ptrdiff_t stride = 0;
};

// Packed as ConvArgs has it: [tap][in][lanes] and [lanes].
struct PlanarWeights {
  const float* weights;
  const float* bias;
  int taps;
  int dilation;
  int in_channels;
  int out_channels;
  int lanes;
};

// out = bias + add + conv(in); `in` is the present, the past lies before it. add: {} for nothing.
struct PlanarConvArgs {
  PlanarWeights conv;
  Planes in;
  Planes add;
  Planes out;
  int frames;
};

struct PlanarActivateArgs {
  float* data;  // [channel][kPlanarTile], in place
  int channels;
  int frames;               // whole vectors of them are computed
  const float* parameters;  // as ActivateArgs has them
};

using PlanarActivate = void (*)(const PlanarActivateArgs&) noexcept;

enum class PlanarGate { kOff, kGated, kBlended };

// One layer, tile by tile within the first-level cache: z = conv(x) + mixin(condition); a = activation(z), gated;
// head += a; next = x + layer1x1(a).
struct PlanarLayerArgs {
  PlanarWeights conv;  // with gating, the two halves' outputs are each padded to lanes / 2
  PlanarWeights mixin;
  PlanarWeights layer1x1;
  PlanarGate gate;
  PlanarActivate activate;
  const float* parameters;
  PlanarActivate activate_gate;
  const float* gate_parameters;
  int channels;  // of a: the bottleneck
  Planes x;
  Planes condition;
  Planes head;
  Planes next;     // {}: nobody hears it
  float* scratch;  // 3 * channels planes of kPlanarTile
  int frames;
};

}  // namespace nampedal
