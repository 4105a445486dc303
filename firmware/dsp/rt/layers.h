// The parts that networks are made of, bound to a set of kernels when a model is prepared. Plain data: memory belongs
// to the model that prepared them.
#pragma once

#include "dsp/kernels/kernels.h"
#include "dsp/rt/history.h"

namespace nampedal {

// Rows of `stride` floats.
struct Rows {
  float* data = nullptr;
  int stride = 0;
};

struct Conv {
  const Kernels* kernels = nullptr;
  const float* weights = nullptr;  // [tap][in][lanes]
  const float* bias = nullptr;     // [lanes]
  int taps = 0;
  int dilation = 1;
  int in_channels = 0;
  int out_channels = 0;  // of each part, where the outputs fall into parts
  int lanes = 0;

  int lookback() const noexcept { return (taps - 1) * dilation; }

  // in: the present; the past lies before it. add: summed in, or {}.
  void process(Rows in, Rows add, Rows out, int frames) const noexcept {
    const std::ptrdiff_t past = static_cast<std::ptrdiff_t>(lookback()) * in.stride;
    kernels->conv({.weights = weights,
                   .bias = bias,
                   .taps = taps,
                   .in_channels = in_channels,
                   .lanes = lanes,
                   .in = in.data - past,
                   .in_stride = in.stride,
                   .tap_step = static_cast<std::ptrdiff_t>(dilation) * in.stride,
                   .add = add.data,
                   .add_stride = add.stride,
                   .out = out.data,
                   .out_stride = out.stride,
                   .frames = frames});
  }
};

struct Activation {
  void (*function)(const ActivateArgs&) noexcept = nullptr;
  Shape shape = Shape::kTanh;
  const float* parameters = nullptr;

  void process(float* data, int stride, int lanes, int frames) const noexcept {
    function({.data = data, .stride = stride, .lanes = lanes, .frames = frames, .parameters = parameters});
  }
};

// x * scale(condition) + shift(condition).
struct Film {
  bool active = false;
  bool shift = false;
  Conv conv;  // scales in the first conv.lanes / 2 lanes when there are shifts behind them
  Rows modulation;

  void process(Rows condition, Rows x, Rows out, int frames) const noexcept {
    conv.process(condition, {}, modulation, frames);
    const int lanes = shift ? conv.lanes / 2 : conv.lanes;
    conv.kernels->scale({.x = x.data,
                         .x_stride = x.stride,
                         .a = modulation.data,
                         .b = shift ? modulation.data + lanes : nullptr,
                         .ab_stride = modulation.stride,
                         .out = out.data,
                         .out_stride = out.stride,
                         .lanes = lanes,
                         .frames = frames});
  }
};

inline void copy_rows(const float* in, int in_stride, float* out, int out_stride, int channels, int frames) noexcept {
  for (int f = 0; f < frames; ++f) {
    for (int c = 0; c < channels; ++c) out[c] = in[c];
    in += in_stride;
    out += out_stride;
  }
}

}  // namespace nampedal
