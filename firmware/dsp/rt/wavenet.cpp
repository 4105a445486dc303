#include "dsp/rt/wavenet.h"

#include "dsp/rt/block_work.h"

namespace nampedal {

namespace {

constexpr Rows kNothing{};

// out += x.
void add_rows(const Kernels& kernels, Rows x, Rows out, int lanes, int frames) noexcept {
  kernels.add(
      {.x = x.data, .x_stride = x.stride, .out = out.data, .out_stride = out.stride, .lanes = lanes, .frames = frames});
}

Rows present(History& history) noexcept { return {history.append(), history.width()}; }

}  // namespace

void WaveNet::process(const float* in, float* out, int frames, Pass pass) noexcept {
  const Rows input = scratch.input;
  copy_rows(in, in_channels, input.data, input.stride, in_channels, frames);
  if (condition != nullptr) {
    condition->process(in, scratch.condition_out, frames, pass);
    copy_rows(scratch.condition_out, condition_channels, scratch.condition.data, scratch.condition.stride,
              condition_channels, frames);
  }

  Rows stream = input;
  Rows sum = kNothing;
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    const Rows head_out = scratch.head[i % 2];
    stream = run_array(arrays[i], stream, sum, head_out, frames, pass, i + 1 == arrays.size());
    sum = head_out;
  }

  const int channels = head.empty() ? out_channels : head.front().conv.in_channels;
  for (int f = 0; f < frames; ++f) {
    float* row = sum.data + static_cast<std::ptrdiff_t>(f) * sum.stride;
    for (int c = 0; c < channels; ++c) row[c] *= head_scale;
  }
  for (HeadStage& stage : head) {
    const Rows now = present(stage.history);
    copy_rows(sum.data, sum.stride, now.data, now.stride, stage.conv.in_channels, frames);
    stage.activation.process(now.data, now.stride, lanes_for(stage.conv.in_channels), frames);
    if (pass == Pass::kSettle) stage.history.settle();
    stage.conv.process(now, kNothing, sum, frames);
    if (pass == Pass::kPlay) stage.history.advance(frames);
  }
  copy_rows(sum.data, sum.stride, out, out_channels, out_channels, frames);
}

// Returns the residual stream behind the last layer; nothing when it is the last array, whose stream nobody hears.
Rows WaveNet::run_array(LayerArray& array, Rows in, Rows head_in, Rows head_out, int frames, Pass pass,
                        bool last) noexcept {
  const Rows sum = present(array.head_history);
  const int sum_lanes = lanes_for(array.head.in_channels);
  if (head_in.data != nullptr) {
    copy_rows(head_in.data, head_in.stride, sum.data, sum.stride, sum_lanes, frames);
  } else {
    std::memset(sum.data, 0, sizeof(float) * static_cast<std::size_t>(frames) * static_cast<std::size_t>(sum.stride));
  }

  int spare = in.data == scratch.stream[0].data ? 1 : 0;
  auto input_of = [&](WaveNetLayer& layer) noexcept {
    if (!layer.conv_pre_film.active) return present(layer.history);
    const Rows rows = scratch.stream[spare];
    spare = 1 - spare;
    return rows;
  };

  Rows x = input_of(array.layers.front());
  array.rechannel.process(in, kNothing, x, frames);
  for (std::size_t l = 0; l < array.layers.size(); ++l) {
    const bool end = l + 1 == array.layers.size();
    Rows next = kNothing;
    if (!end) {
      next = input_of(array.layers[l + 1]);
    } else if (!last) {
      next = scratch.stream[spare];
    }
    run_layer(array.layers[l], x, sum, next, frames, pass);
    x = next;
  }

  if (pass == Pass::kSettle) array.head_history.settle();
  array.head.process(sum, kNothing, head_out, frames);
  if (pass == Pass::kPlay) array.head_history.advance(frames);
  return x;
}

// x: this layer's input, already in its history unless a FiLM puts it there. head_sum: added to. next: x + residual.
void WaveNet::run_layer(WaveNetLayer& layer, Rows x, Rows head_sum, Rows next, int frames, Pass pass) noexcept {
  const Kernels& kernels = *layer.conv.kernels;
  const Rows given = condition != nullptr ? scratch.condition : scratch.input;
  const Rows z = scratch.z;
  const int lanes = layer.lanes;

  Rows now = x;
  if (layer.conv_pre_film.active) {
    now = present(layer.history);
    layer.conv_pre_film.process(given, x, now, frames);
  }
  if (pass == Pass::kSettle) layer.history.settle();

  if (!layer.conv_post_film.active && !layer.mixin_pre_film.active && !layer.mixin_post_film.active) {
    layer.mixin.process(given, kNothing, z, frames);
    layer.conv.process(now, z, z, frames);
  } else {
    layer.conv.process(now, kNothing, z, frames);
    if (layer.conv_post_film.active) layer.conv_post_film.process(given, z, z, frames);
    Rows mixed = given;
    if (layer.mixin_pre_film.active) {
      layer.mixin_pre_film.process(given, given, scratch.modulated, frames);
      mixed = scratch.modulated;
    }
    layer.mixin.process(mixed, kNothing, scratch.mix, frames);
    if (layer.mixin_post_film.active) layer.mixin_post_film.process(given, scratch.mix, scratch.mix, frames);
    add_rows(kernels, scratch.mix, z, layer.conv.lanes, frames);
  }
  if (pass == Pass::kPlay) layer.history.advance(frames);
  if (layer.activation_pre_film.active) layer.activation_pre_film.process(given, z, z, frames);

  if (layer.gate == Gate::kBlended) copy_rows(z.data, z.stride, scratch.dry.data, scratch.dry.stride, lanes, frames);
  layer.activation.process(z.data, z.stride, lanes, frames);
  if (layer.gate != Gate::kOff) {
    layer.secondary.process(z.data + lanes, z.stride, lanes, frames);
    if (layer.gate == Gate::kGated) {
      kernels.scale({.x = z.data,
                     .x_stride = z.stride,
                     .a = z.data + lanes,
                     .b = nullptr,
                     .ab_stride = z.stride,
                     .out = z.data,
                     .out_stride = z.stride,
                     .lanes = lanes,
                     .frames = frames});
    } else {
      kernels.blend({.wet = z.data,
                     .alpha = z.data + lanes,
                     .stride = z.stride,
                     .dry = scratch.dry.data,
                     .dry_stride = scratch.dry.stride,
                     .out = z.data,
                     .out_stride = z.stride,
                     .lanes = lanes,
                     .frames = frames});
    }
  }
  if (layer.activation_post_film.active) layer.activation_post_film.process(given, z, z, frames);

  if (next.data != nullptr) {
    const int stream_lanes = lanes_for(layer.conv.in_channels);
    if (!layer.has_layer1x1) {
      copy_rows(x.data, x.stride, next.data, next.stride, stream_lanes, frames);
    } else if (!layer.layer1x1_post_film.active) {
      layer.layer1x1.process(z, x, next, frames);
    } else {
      const Rows product = scratch.product;
      layer.layer1x1.process(z, kNothing, product, frames);
      layer.layer1x1_post_film.process(given, product, next, frames);
      add_rows(kernels, x, next, stream_lanes, frames);
    }
  }

  if (!layer.has_head1x1) {
    add_rows(kernels, z, head_sum, lanes, frames);
  } else if (!layer.head1x1_post_film.active) {
    layer.head1x1.process(z, head_sum, head_sum, frames);
  } else {
    const Rows product = scratch.product;
    layer.head1x1.process(z, kNothing, product, frames);
    layer.head1x1_post_film.process(given, product, product, frames);
    add_rows(kernels, product, head_sum, layer.head1x1.lanes, frames);
  }
}

void WaveNet::clear() noexcept {
  if (condition != nullptr) condition->clear();
  for (LayerArray& array : arrays) {
    for (WaveNetLayer& layer : array.layers) layer.history.clear();
    array.head_history.clear();
  }
  for (HeadStage& stage : head) stage.history.clear();
}

void WaveNet::tell_work(BlockWork& work) const {
  if (condition != nullptr) condition->tell_work(work);
  // In, scaled, and out.
  work.samples(in_channels + 2 * out_channels + (condition == nullptr ? 0 : condition_channels));
  for (const LayerArray& array : arrays) {
    work.array(array.head_history);
    for (const WaveNetLayer& layer : array.layers) {
      const bool heard = &layer != &arrays.back().layers.back();
      if (layer.gate == Gate::kBlended) work.samples(layer.lanes);
      if (heard && !layer.has_layer1x1) work.samples(lanes_for(layer.conv.in_channels));
      work.past(layer.history, layer.conv.taps, layer.conv.dilation);
      work.twins(layer.history);
    }
    work.past(array.head_history, array.head.taps, array.head.dilation);
    work.twins(array.head_history);
  }
  for (const HeadStage& stage : head) {
    work.samples(stage.conv.in_channels);
    work.past(stage.history, stage.conv.taps, stage.conv.dilation);
    work.twins(stage.history);
  }
}

}  // namespace nampedal
