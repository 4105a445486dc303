#include "build_planar.h"

#include <algorithm>

#include "../rt/planar_wavenet.h"

namespace nampedal {

namespace {

bool is_plain(const WaveNetLayer& layer) {
  const bool films = layer.conv_pre_film.active || layer.conv_post_film.active || layer.mixin_pre_film.active ||
                     layer.mixin_post_film.active || layer.activation_pre_film.active ||
                     layer.activation_post_film.active || layer.layer1x1_post_film.active ||
                     layer.head1x1_post_film.active;
  return !films && layer.has_layer1x1 && !layer.has_head1x1;
}

PlanarWeights weights_of(const Conv& conv) {
  return {conv.weights, conv.bias, conv.taps, conv.dilation, conv.in_channels, conv.out_channels, conv.lanes};
}

PlanarHistory history_of(const History& rows, int channels, Parts& parts) {
  const std::ptrdiff_t stride = plane_stride(rows.capacity);
  const auto size = static_cast<std::size_t>(channels) * static_cast<std::size_t>(stride);
  return {parts.options().memory.floats(size), stride, channels, rows.lookback, rows.capacity, rows.start, rows.start};
}

PlanarLayer layer_of(const WaveNetLayer& layer, float* scratch, Parts& parts) {
  constexpr PlanarGate kGates[] = {PlanarGate::kOff, PlanarGate::kGated, PlanarGate::kBlended};
  return {history_of(layer.history, layer.conv.in_channels, parts),
          {weights_of(layer.conv),
           weights_of(layer.mixin),
           weights_of(layer.layer1x1),
           kGates[static_cast<int>(layer.gate)],
           layer.activation.planar,
           layer.activation.parameters,
           layer.secondary.planar,
           layer.secondary.parameters,
           layer.conv.out_channels,
           {},
           {},
           {},
           {},
           scratch,
           0}};
}

}  // namespace

bool can_be_planar(const WaveNet& net, const BuildOptions& options) {
  if (options.general || options.kernels.planar == nullptr || !net.head.empty()) return false;
  return std::all_of(net.arrays.begin(), net.arrays.end(), [](const LayerArray& array) {
    return std::all_of(array.layers.begin(), array.layers.end(), is_plain);
  });
}

Net& build_planar(const WaveNet& net, Parts& parts) {
  Memory& memory = parts.options().memory;
  PlanarWaveNet& planar = memory.object<PlanarWaveNet>();
  planar.kernels = parts.options().kernels.planar;
  planar.in_channels = net.in_channels;
  planar.out_channels = net.out_channels;
  planar.condition_channels = net.condition_channels;
  planar.condition = net.condition;
  planar.head_scale = net.head_scale;
  planar.arrays = memory.array<PlanarLayerArray>(net.arrays.size());

  int widest = 1;
  int widest_head = 1;
  for (const LayerArray& array : net.arrays) {
    widest_head = std::max(widest_head, array.head.out_channels);
    for (const WaveNetLayer& layer : array.layers) {
      widest = std::max({widest, layer.conv.in_channels, layer.conv.out_channels});
    }
  }
  float* scratch = memory.floats(3 * static_cast<std::size_t>(widest) * kPlanarTile);
  for (std::size_t i = 0; i < net.arrays.size(); ++i) {
    const LayerArray& source = net.arrays[i];
    PlanarLayerArray& array = planar.arrays[i];
    array.rechannel = weights_of(source.rechannel);
    array.head = weights_of(source.head);
    array.head_history = history_of(source.head_history, source.head.in_channels, parts);
    array.layers = memory.array<PlanarLayer>(source.layers.size());
    for (std::size_t l = 0; l < source.layers.size(); ++l) {
      array.layers[l] = layer_of(source.layers[l], scratch, parts);
    }
  }
  planar.input = parts.planes(net.in_channels);
  planar.condition_planes = parts.planes(net.condition_channels);
  planar.condition_out = parts.rows(lanes_for(net.condition_channels)).data;
  planar.stream = parts.planes(widest);
  planar.head_out[0] = parts.planes(widest_head);
  planar.head_out[1] = parts.planes(widest_head);
  return planar;
}

}  // namespace nampedal
