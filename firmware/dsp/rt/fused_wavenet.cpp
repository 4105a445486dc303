#include "dsp/rt/fused_wavenet.h"

#include "dsp/rt/block_work.h"

namespace nampedal {

namespace {

struct Steps {
  std::ptrdiff_t frame;
  std::ptrdiff_t channel;
};

Steps steps(Layout layout, Signal signal) noexcept {
  return layout == Layout::kPlanes ? Steps{1, signal.stride} : Steps{signal.stride, 1};
}

}  // namespace

void FusedWaveNet::take_in(const float* in, int channels, Signal out, int frames) const noexcept {
  const Steps step = steps(kernels->layout, out);
  for (int c = 0; c < channels; ++c) {
    float* to = out.data + c * step.channel;
    for (std::ptrdiff_t f = 0; f < frames; ++f) to[f * step.frame] = in[f * channels + c];
  }
}

Signal FusedWaveNet::present(History& history) const noexcept {
  float* data = history.append();
  return {data, kernels->layout == Layout::kPlanes ? history.line_stride() : history.width()};
}

// The sum over the layers begins with what the array before hands on.
void FusedWaveNet::start_sum(const History& history, Signal sum, Signal before, int frames) const noexcept {
  const auto bytes = sizeof(float) * static_cast<std::size_t>(frames) * static_cast<std::size_t>(history.width());
  for (int line = 0; line < history.lines(); ++line) {
    float* to = sum.data + line * sum.stride;
    if (before.data == nullptr) {
      std::memset(to, 0, bytes);
    } else {
      std::memcpy(to, before.data + line * before.stride, bytes);
    }
  }
}

void FusedWaveNet::process(const float* in, float* out, int frames, Pass pass) noexcept {
  take_in(in, in_channels, input, frames);
  Signal given = input;
  if (condition != nullptr) {
    condition->process(in, condition_out, frames, pass);
    take_in(condition_out, condition_channels, condition_signal, frames);
    given = condition_signal;
  }

  Signal before = input;
  Signal sum_before{};
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    FusedLayerArray& array = arrays[i];
    const Signal sum = present(array.head_history);
    start_sum(array.head_history, sum, sum_before, frames);

    History& first = array.layers.front().history;
    Signal x = present(first);
    kernels->conv({.conv = array.rechannel,
                   .in = before,
                   .out = {.signal = x, .mirror = first.mirror(frames)},
                   .frames = frames});
    for (std::size_t l = 0; l < array.layers.size(); ++l) {
      FusedWaveNetLayer& layer = array.layers[l];
      Written next{};
      if (l + 1 < array.layers.size()) {
        History& history = array.layers[l + 1].history;
        next.signal = present(history);
        next.mirror = history.mirror(frames);
      } else if (i + 1 < arrays.size()) {
        next.signal = array.stream;
      }
      if (pass == Pass::kSettle) layer.history.settle();
      kernels->layer(layer.layer, {.x = x, .condition = given, .head = sum, .next = next, .frames = frames});
      if (pass == Pass::kPlay) layer.history.advance_mirrored(frames);
      x = next.signal;
    }

    if (pass == Pass::kSettle) array.head_history.settle();
    kernels->conv({.conv = array.head, .in = sum, .out = {.signal = array.head_out}, .frames = frames});
    if (pass == Pass::kPlay) array.head_history.advance(frames);
    sum_before = array.head_out;
    before = array.stream;
  }

  const Steps step = steps(kernels->layout, sum_before);
  for (int c = 0; c < out_channels; ++c) {
    const float* from = sum_before.data + c * step.channel;
    for (std::ptrdiff_t f = 0; f < frames; ++f) out[f * out_channels + c] = from[f * step.frame] * head_scale;
  }
}

void FusedWaveNet::clear() noexcept {
  if (condition != nullptr) condition->clear();
  for (FusedLayerArray& array : arrays) {
    for (FusedWaveNetLayer& layer : array.layers) layer.history.clear();
    array.head_history.clear();
  }
}

void FusedWaveNet::tell_work(BlockWork& work) const {
  if (condition != nullptr) condition->tell_work(work);
  work.samples(in_channels + out_channels + (condition == nullptr ? 0 : condition_channels));
  for (const FusedLayerArray& array : arrays) {
    work.array(array.head_history);
    for (const FusedWaveNetLayer& layer : array.layers) {
      work.past(layer.history, layer.layer.conv.taps, layer.layer.conv.dilation);
      work.weights(layer.layer.conv);
    }
    work.past(array.head_history, array.head.taps, array.head.dilation);
    work.weights(array.head);
  }
}

}  // namespace nampedal
