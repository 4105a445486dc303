// The parts that networks are made of, bound to a set of kernels when a model is prepared. Plain data: memory belongs
// to the model that prepared them.
#pragma once

#include "../kernels/kernels.h"
#include "history.h"

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
    kernels->conv({weights, bias, taps, in_channels, lanes, in.data - past, in.stride,
                   static_cast<std::ptrdiff_t>(dilation) * in.stride, add.data, add.stride, out.data, out.stride,
                   frames});
  }
};

struct Activation {
  void (*function)(const ActivateArgs&) noexcept = nullptr;
  Shape shape = Shape::kTanh;
  const float* parameters = nullptr;

  void process(float* data, int stride, int lanes, int frames) const noexcept {
    function({data, stride, lanes, frames, parameters});
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
    conv.kernels->scale({x.data, x.stride, modulation.data, shift ? modulation.data + lanes : nullptr,
                         modulation.stride, out.data, out.stride, lanes, frames});
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
