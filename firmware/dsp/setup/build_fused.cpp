#include "dsp/setup/build_fused.h"

#include <algorithm>

#include "dsp/rt/fused_wavenet.h"

namespace nampedal {

namespace {

bool is_plain(const WaveNetLayer& layer) {
  const bool films = layer.conv_pre_film.active || layer.conv_post_film.active || layer.mixin_pre_film.active ||
                     layer.mixin_post_film.active || layer.activation_pre_film.active ||
                     layer.activation_post_film.active || layer.layer1x1_post_film.active ||
                     layer.head1x1_post_film.active;
  return !films && layer.has_layer1x1 && !layer.has_head1x1;
}

class Builder {
 public:
  Builder(Parts& parts, const FusedKernels& kernels)
      : parts_(parts), memory_(parts.options().memory), kernels_(kernels) {}

  Net& build(const WaveNet& net) {
    FusedWaveNet& fused = memory_.object<FusedWaveNet>();
    fused.kernels = &kernels_;
    fused.in_channels = net.in_channels;
    fused.out_channels = net.out_channels;
    fused.condition_channels = net.condition_channels;
    fused.condition = net.condition;
    fused.head_scale = net.head_scale;
    fused.arrays = memory_.array<FusedLayerArray>(net.arrays.size());

    int widest = 1;
    for (const LayerArray& array : net.arrays) {
      for (const WaveNetLayer& layer : array.layers) widest = std::max(widest, layer.lanes);
    }
    float* scratch = memory_.floats(fused_scratch(lanes_for(widest)));
    for (std::size_t i = 0; i < net.arrays.size(); ++i) {
      const LayerArray& source = net.arrays[i];
      FusedLayerArray& array = fused.arrays[i];
      array.rechannel = weights(source.rechannel);
      array.head = weights(source.head);
      array.head_history = history_before(source.head);
      array.stream = signal(source.layers.front().conv.in_channels);
      array.head_out = signal(source.head.out_channels);
      array.layers = memory_.array<FusedWaveNetLayer>(source.layers.size());
      for (std::size_t l = 0; l < source.layers.size(); ++l) {
        array.layers[l] = {.history = history_before(source.layers[l].conv), .layer = layer(source.layers[l], scratch)};
      }
    }
    fused.input = signal(net.in_channels);
    fused.condition_signal = signal(net.condition_channels);
    fused.condition_out = parts_.rows(lanes_for(net.condition_channels)).data;
    return fused;
  }

 private:
  bool rows() const { return kernels_.layout == Layout::kRows; }

  FusedLayer layer(const WaveNetLayer& layer, float* scratch) {
    return {.conv = weights(layer.conv),
            .mixin = weights(layer.mixin),
            .layer1x1 = weights(layer.layer1x1),
            .gate = layer.gate,
            .activate = activation(layer.activation),
            .parameters = layer.activation.parameters,
            .activate_gate = activation(layer.secondary),
            .gate_parameters = layer.secondary.parameters,
            .scratch = scratch};
  }

  FusedActivate activation(const Activation& activation) const {
    const auto accuracy = static_cast<std::size_t>(parts_.options().accuracy);
    return kernels_.activate[accuracy][static_cast<std::size_t>(activation.shape)];
  }

  FusedWeights weights(const Conv& conv) {
    return {.weights = rows() ? grouped(conv) : conv.weights,
            .bias = conv.bias,
            .taps = conv.taps,
            .dilation = conv.dilation,
            .in_channels = conv.in_channels,
            .out_channels = conv.out_channels,
            .lanes = conv.lanes};
  }

  // [tap][in][lanes] as [half][group][tap][in, padded to fours beyond 4][8 lanes; the last group may have 4].
  const float* grouped(const Conv& conv) {
    const int in_rows = conv.in_channels <= kLaneQuantum ? conv.in_channels : lanes_for(conv.in_channels);
    const auto size =
        static_cast<std::size_t>(conv.taps) * static_cast<std::size_t>(in_rows) * static_cast<std::size_t>(conv.lanes);
    float* packed = memory_.floats(size + kRowsWeightSlack);
    float* to = packed;
    const int half = lanes_for(conv.out_channels);
    for (int lane = 0, width = 0; lane < conv.lanes; lane += width) {
      width = std::min(half - lane % half, kRowsTogether);
      for (int tap = 0; tap < conv.taps; ++tap) {
        const float* from = conv.weights + static_cast<std::ptrdiff_t>(tap) * conv.in_channels * conv.lanes + lane;
        for (int in = 0; in < in_rows; ++in, to += width) {
          if (in < conv.in_channels) std::copy_n(from + static_cast<std::ptrdiff_t>(in) * conv.lanes, width, to);
        }
      }
    }
    return packed;
  }

  // Of what a convolution takes.
  History history_before(const Conv& conv) {
    return parts_.history({.lines = rows() ? 1 : conv.in_channels,
                           .width = rows() ? lanes_for(conv.in_channels) : 1,
                           .lookback = conv.lookback(),
                           .slack = slack_frames(kernels_.layout)});
  }

  Signal signal(int channels) {
    const int frames = parts_.options().max_frames + slack_frames(kernels_.layout);
    const std::ptrdiff_t stride = rows() ? lanes_for(channels) : plane_stride(frames);
    const std::ptrdiff_t size = rows() ? stride * frames : stride * channels;
    return {memory_.floats(static_cast<std::size_t>(size)), stride};
  }

  Parts& parts_;
  Memory& memory_;
  const FusedKernels& kernels_;
};

}  // namespace

const FusedKernels* fused_kernels_for(const WaveNet& net, const BuildOptions& options) {
  if (options.general || !net.head.empty()) return nullptr;
  bool narrow = true;
  for (const LayerArray& array : net.arrays) {
    for (const WaveNetLayer& layer : array.layers) {
      if (!is_plain(layer)) return nullptr;
      narrow = narrow && layer.conv.in_channels <= kLaneQuantum && layer.lanes <= kLaneQuantum;
    }
  }
  // Rows of few channels are half padding; few planes are few streams.
  const bool planes = narrow || options.kernels.rows == nullptr;
  return planes ? options.kernels.planes : options.kernels.rows;
}

Net& build_fused(const WaveNet& net, const FusedKernels& kernels, Parts& parts) {
  return Builder(parts, kernels).build(net);
}

}  // namespace nampedal
