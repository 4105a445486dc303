// What every ISA implements: the arithmetic of the engine, on [frame][lane] buffers.
//
// A row of channels is padded to a multiple of kLaneQuantum floats ("lanes"); padded weights and biases are zero.
// Every function computes each frame by the same sequence of operations whatever `frames` is and wherever the frame
// stands in the block: results do not depend on how the audio is cut. No function allocates, locks or throws.
#pragma once

#include <cstddef>
#include <cstdint>

#include "dsp/kernels/fused.h"

namespace nampedal {

inline constexpr int kLaneQuantum = 4;
// Floats behind the last valid one of a FIR's input that may be read (never used).
inline constexpr int kReadSlack = 16;

constexpr int lanes_for(int channels) { return (channels + kLaneQuantum - 1) / kLaneQuantum * kLaneQuantum; }

enum class Accuracy : std::uint8_t {
  kExact,  // the C library's tanhf and expf
  kFast    // rational tanh, |error| < 1.6e-6
};
inline constexpr int kAccuracies = 2;

enum class Shape : std::uint8_t {
  kTanh,
  kHardTanh,
  kFastTanh,
  kReLU,
  kPReLU,  // parameters: slope of each lane
  kSigmoid,
  kSiLU,
  kHardSwish,
  kLeakyHardTanh,  // parameters: min, max, min_slope, max_slope
  kSoftsign,
  kSoftsigmoid
};
inline constexpr int kShapes = 11;

// out[f] = bias + add[f] + sum over taps and inputs; tap k of frame f starts at in + f * in_stride + k * tap_step.
struct ConvArgs {
  const float* weights;  // [tap][in][lanes]
  const float* bias;     // [lanes]
  int taps;
  int in_channels;
  int lanes;
  const float* in;
  std::ptrdiff_t in_stride;
  std::ptrdiff_t tap_step;
  const float* add;  // nullptr: nothing
  std::ptrdiff_t add_stride;
  float* out;  // may be `add`; overlaps nothing else
  std::ptrdiff_t out_stride;
  int frames;
};

// out[f] = bias + sum over k of taps[k] * in[f - k]. Reads up to kReadSlack floats behind in[frames - 1].
struct FirArgs {
  const float* taps;
  int tap_count;
  float bias;
  const float* in;
  float* out;
  int frames;
};

struct ActivateArgs {
  float* data;  // in place
  std::ptrdiff_t stride;
  int lanes;
  int frames;
  const float* parameters;
};

// out[f] = x[f] * a[f], or x[f] * a[f] + b[f]; out may be x.
struct ScaleArgs {
  const float* x;
  std::ptrdiff_t x_stride;
  const float* a;
  const float* b;  // nullptr: nothing
  std::ptrdiff_t ab_stride;
  float* out;
  std::ptrdiff_t out_stride;
  int lanes;
  int frames;
};

// out[f] += x[f].
struct AddArgs {
  const float* x;
  std::ptrdiff_t x_stride;
  float* out;
  std::ptrdiff_t out_stride;
  int lanes;
  int frames;
};

// out[f] = alpha[f] * wet[f] + (1 - alpha[f]) * dry[f]; out may be wet.
struct BlendArgs {
  const float* wet;
  const float* alpha;
  std::ptrdiff_t stride;  // of wet and alpha
  const float* dry;
  std::ptrdiff_t dry_stride;
  float* out;
  std::ptrdiff_t out_stride;
  int lanes;
  int frames;
};

// One frame of one LSTM layer. weights: [in_channels][i | f | g | o], each gate `lanes` wide; bias alike.
struct LstmArgs {
  const float* weights;
  const float* bias;
  int in_channels;  // of the layer's input and its hidden state together
  int lanes;
  const float* in;  // (in_channels,): input, then hidden state
  float* cell;      // (lanes,), updated
  float* hidden;    // (lanes,), new; may not overlap `in`
};

struct FusedKernels {
  Layout layout;
  void (*conv)(const FusedConvArgs&) noexcept;
  void (*layer)(const FusedLayer&, const FusedLayerArgs&) noexcept;
  FusedActivate activate[kAccuracies][kShapes];
};

struct Kernels {
  const char* name;
  // Of the fused path; nullptr: there are none in that layout.
  const FusedKernels* planes;
  const FusedKernels* rows;
  void (*conv)(const ConvArgs&) noexcept;
  void (*fir)(const FirArgs&) noexcept;
  void (*activate[kAccuracies][kShapes])(const ActivateArgs&) noexcept;
  void (*scale)(const ScaleArgs&) noexcept;
  void (*add)(const AddArgs&) noexcept;
  void (*blend)(const BlendArgs&) noexcept;
  void (*lstm[kAccuracies])(const LstmArgs&) noexcept;
};

#define NAMPEDAL_KERNELS(isa) extern const Kernels isa##_kernels;
#include "dsp/kernels/isa.inc"
#undef NAMPEDAL_KERNELS

}  // namespace nampedal
