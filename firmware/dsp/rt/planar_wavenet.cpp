#include "planar_wavenet.h"

namespace nampedal {

namespace {

void to_planes(const float* in, int channels, Planes out, int frames) noexcept {
  for (int c = 0; c < channels; ++c) {
    float* plane = out.data + c * out.stride;
    for (int f = 0; f < frames; ++f) plane[f] = in[static_cast<std::ptrdiff_t>(f) * channels + c];
  }
}

}  // namespace

void PlanarWaveNet::process(const float* in, float* out, int frames, Pass pass) noexcept {
  to_planes(in, in_channels, input, frames);
  Planes given = input;
  if (condition != nullptr) {
    condition->process(in, condition_out, frames, pass);
    to_planes(condition_out, condition_channels, condition_planes, frames);
    given = condition_planes;
  }

  Planes before = input;
  Planes sum_before{};
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    PlanarLayerArray& array = arrays[i];
    const Planes sum = array.head_history.append(frames);
    const auto bytes = sizeof(float) * static_cast<std::size_t>(frames);
    for (int c = 0; c < array.head_history.channels; ++c) {
      float* plane = sum.data + c * sum.stride;
      if (sum_before.data == nullptr) {
        std::memset(plane, 0, bytes);
      } else {
        std::memcpy(plane, sum_before.data + c * sum_before.stride, bytes);
      }
    }

    Planes x = array.layers.front().history.append(frames);
    kernels->conv({array.rechannel, before, {}, x, frames});
    for (std::size_t l = 0; l < array.layers.size(); ++l) {
      PlanarLayer& layer = array.layers[l];
      Planes next{};
      if (l + 1 < array.layers.size()) {
        next = array.layers[l + 1].history.append(frames);
      } else if (i + 1 < arrays.size()) {
        next = stream;
      }
      if (pass == Pass::kSettle) layer.history.settle();
      PlanarLayerArgs args = layer.prepared;
      args.x = x;
      args.condition = given;
      args.head = sum;
      args.next = next;
      args.frames = frames;
      kernels->layer(args);
      if (pass == Pass::kPlay) layer.history.advance(frames);
      x = next;
    }

    if (pass == Pass::kSettle) array.head_history.settle();
    const Planes head = head_out[i % 2];
    kernels->conv({array.head, sum, {}, head, frames});
    if (pass == Pass::kPlay) array.head_history.advance(frames);
    sum_before = head;
    before = stream;
  }

  for (int c = 0; c < out_channels; ++c) {
    const float* plane = sum_before.data + c * sum_before.stride;
    for (int f = 0; f < frames; ++f) out[static_cast<std::ptrdiff_t>(f) * out_channels + c] = plane[f] * head_scale;
  }
}

void PlanarWaveNet::clear() noexcept {
  if (condition != nullptr) condition->clear();
  for (PlanarLayerArray& array : arrays) {
    for (PlanarLayer& layer : array.layers) layer.history.clear();
    array.head_history.clear();
  }
}

}  // namespace nampedal
