#include <algorithm>
#include <cmath>

#include "dsp/rt/wavenet.h"
#include "dsp/setup/build_fused.h"
#include "dsp/setup/parts.h"

namespace nampedal {

namespace {

// Builds layer by layer; scratch rows grow to the widest user and are allocated last.
class Builder {
 public:
  Builder(const stomp::WaveNet& table, Parts& parts) : table_(table), parts_(parts) {}

  BuiltNetwork build() {
    const unsigned array_count = checked_count(table_.arrays(), 1, "arrays");
    WaveNet& net = parts_.options().memory.object<WaveNet>();
    if (!std::isfinite(table_.head_scale())) refuse(Mistake::kValue, "head_scale", "is not a finite number");
    net.head_scale = table_.head_scale();
    condition_channels_ = condition(net);

    net.arrays = parts_.options().memory.array<LayerArray>(array_count);
    int stream_channels = 0;  // of the array before; 0: the input, whatever it has
    int head_channels = 0;
    for (unsigned i = 0; i < array_count; ++i) {
      const Where where = at("arrays", i);
      const stomp::LayerArray& source = required(table_.arrays()->Get(i), where);
      array(net, net.arrays[i], source, where, stream_channels, head_channels, i == 0);
    }

    head_lanes_ = std::max(head_lanes_, lanes_for(head_channels));
    const unsigned stages = checked_count(table_.head(), 0, "head");
    net.head = parts_.options().memory.array<HeadStage>(stages);
    for (unsigned i = 0; i < stages; ++i) {
      const Where where = at("head", i);
      const stomp::HeadStage& source = required(table_.head()->Get(i), where);
      HeadStage& stage = net.head[i];
      stage.activation = parts_.activation(source.activation(), where + ".activation", head_channels);
      Parts::ConvShape shape;
      stage.conv = parts_.conv(source.conv(), where + ".conv", head_channels, 0, 1, &shape);
      head_channels = shape.out_channels;
      head_lanes_ = std::max(head_lanes_, stage.conv.lanes);
    }
    net.out_channels = head_channels;
    if (const FusedKernels* fused = fused_kernels_for(net, parts_.options())) {
      return {
          .net = &build_fused(net, *fused, parts_), .in_channels = net.in_channels, .out_channels = net.out_channels};
    }
    allocate(net);
    return {.net = &net, .in_channels = net.in_channels, .out_channels = net.out_channels};
  }

 private:
  // How many channels the layers are conditioned on.
  int condition(WaveNet& net) {
    const stomp::LayerArray& first = required(table_.arrays()->Get(0), "arrays[0]");
    net.in_channels = parts_.shape(first.rechannel(), "arrays[0].rechannel").in_channels;
    net.condition_channels = net.in_channels;
    if (table_.condition() != nullptr) {
      try {
        const BuiltNetwork built = build_nested(table_.condition(), parts_.options(), parts_.nesting() + 1);
        if (built.in_channels != net.in_channels) {
          refuse(Mistake::kStructure, "network",
                 "takes " + std::to_string(built.in_channels) + " channels; " + std::to_string(net.in_channels) +
                     " come in");
        }
        net.condition = built.net;
        net.condition_channels = built.out_channels;
      } catch (const Error& error) {
        throw Error(error.mistake(), std::string("condition: ") + error.what());
      }
    }
    return net.condition_channels;
  }

  // Updates stream_channels and head_channels to what this array hands on.
  void array(WaveNet& net, LayerArray& array, const stomp::LayerArray& source, const Where& where, int& stream_channels,
             int& head_channels, bool first) {
    Parts::ConvShape rechannel;
    array.rechannel = parts_.conv(source.rechannel(), where + ".rechannel", first ? net.in_channels : stream_channels,
                                  1, 1, &rechannel);
    const int channels = rechannel.out_channels;
    stream_lanes_ = std::max(stream_lanes_, lanes_for(channels));

    const unsigned count = checked_count(source.layers(), 1, where + ".layers");
    array.layers = parts_.options().memory.array<WaveNetLayer>(count);
    if (count_of(source.dilations()) != count) {
      refuse(
          Mistake::kStructure, where + ".dilations",
          "has " + std::to_string(count_of(source.dilations())) + " entries; " + std::to_string(count) + " are needed");
    }
    int head_in = 0;
    for (unsigned l = 0; l < count; ++l) {
      const Where at_layer = at(where + ".layers", l);
      const unsigned dilation = source.dilations()->Get(l);
      if (dilation < 1) refuse(Mistake::kLimit, at_layer + ".conv", "has dilation 0; allowed are 1 and more");
      const int out = layer(array.layers[l], required(source.layers()->Get(l), at_layer), at_layer, channels, dilation);
      if (l > 0 && out != head_in) {
        refuse(Mistake::kStructure, at_layer,
               "hands " + std::to_string(out) + " channels to the head; the layers " + "before hand it " +
                   std::to_string(head_in));
      }
      head_in = out;
    }
    if (!first && head_channels != head_in) {
      refuse(Mistake::kStructure, where,
             "hands " + std::to_string(head_in) + " channels to its head; the array " + "before hands it " +
                 std::to_string(head_channels));
    }
    Parts::ConvShape head;
    array.head = parts_.conv(source.head(), where + ".head", head_in, 0, 1, &head);
    head_lanes_ = std::max(head_lanes_, array.head.lanes);
    head_channels = head.out_channels;
    stream_channels = channels;
  }

  // Returns how many channels the layer hands to the head.
  int layer(WaveNetLayer& layer, const stomp::WaveNetLayer& source, const Where& where, int channels,
            unsigned dilation) {
    using Gating = stomp::Gating;
    if (source.gating() > Gating::MAX) {
      refuse(Mistake::kValue, where + ".gating",
             "is " + std::to_string(static_cast<int>(source.gating())) + "; allowed are 0 to 2");
    }
    layer.gate = static_cast<Gate>(source.gating());
    const int halves = layer.gate == Gate::kOff ? 1 : 2;

    Parts::ConvShape conv;
    layer.conv = parts_.conv(source.conv(), where + ".conv", channels, 0, halves, &conv, dilation);
    const int inner = conv.out_channels;
    const int bottleneck = inner / halves;
    layer.lanes = lanes_for(bottleneck);
    z_lanes_ = std::max(z_lanes_, layer.conv.lanes);
    Parts::ConvShape mixin;
    layer.mixin = parts_.conv(source.mixin(), where + ".mixin", condition_channels_, 1, halves, &mixin);
    if (mixin.out_channels != inner) {
      refuse(
          Mistake::kStructure, where + ".mixin",
          "puts out " + std::to_string(mixin.out_channels) + " channels; the conv puts out " + std::to_string(inner));
    }
    layer.activation = parts_.activation(source.activation(), where + ".activation", bottleneck);
    if (layer.gate != Gate::kOff) {
      layer.secondary = parts_.activation(source.secondary(), where + ".secondary", bottleneck);
    }

    layer.has_layer1x1 = source.layer1x1() != nullptr;
    if (layer.has_layer1x1) {
      Parts::ConvShape shape;
      layer.layer1x1 = parts_.conv(source.layer1x1(), where + ".layer1x1", bottleneck, 1, 1, &shape);
      if (shape.out_channels != channels) {
        refuse(
            Mistake::kStructure, where + ".layer1x1",
            "puts out " + std::to_string(shape.out_channels) + " channels; the layer has " + std::to_string(channels));
      }
    } else if (bottleneck != channels) {
      refuse(Mistake::kStructure, where,
             "has no layer1x1, so its bottleneck of " + std::to_string(bottleneck) + " must equal its " +
                 std::to_string(channels) + " channels");
    }
    int to_head = bottleneck;
    layer.has_head1x1 = source.head1x1() != nullptr;
    if (layer.has_head1x1) {
      Parts::ConvShape shape;
      layer.head1x1 = parts_.conv(source.head1x1(), where + ".head1x1", bottleneck, 1, 1, &shape);
      to_head = shape.out_channels;
    }
    if (source.layer1x1_post_film() != nullptr && !layer.has_layer1x1) {
      refuse(Mistake::kStructure, where + ".layer1x1_post_film", "needs a layer1x1");
    }
    if (source.head1x1_post_film() != nullptr && !layer.has_head1x1) {
      refuse(Mistake::kStructure, where + ".head1x1_post_film", "needs a head1x1");
    }
    product_lanes_ = std::max({product_lanes_, lanes_for(channels), lanes_for(to_head)});

    const auto film = [&](const stomp::Film* table, const char* name, int width, int segments) {
      modulation_lanes_ = std::max(modulation_lanes_, 2 * segments * lanes_for(width / segments));
      return parts_.film(table, where + name, condition_channels_, width, segments, {});
    };
    layer.conv_pre_film = film(source.conv_pre_film(), ".conv_pre_film", channels, 1);
    layer.conv_post_film = film(source.conv_post_film(), ".conv_post_film", inner, halves);
    layer.mixin_pre_film = film(source.mixin_pre_film(), ".mixin_pre_film", condition_channels_, 1);
    layer.mixin_post_film = film(source.mixin_post_film(), ".mixin_post_film", inner, halves);
    layer.activation_pre_film = film(source.activation_pre_film(), ".activation_pre_film", inner, halves);
    layer.activation_post_film = film(source.activation_post_film(), ".activation_post_film", bottleneck, 1);
    layer.layer1x1_post_film = film(source.layer1x1_post_film(), ".layer1x1_post_film", channels, 1);
    layer.head1x1_post_film = film(source.head1x1_post_film(), ".head1x1_post_film", to_head, 1);
    if (!layer.conv_post_film.active && !layer.mixin_pre_film.active && !layer.mixin_post_film.active) {
      join_biases(layer);
    }
    return to_head;
  }

  // Where nothing stands between mixin and conv, the mixin's sums start from the bias of both.
  void join_biases(WaveNetLayer& layer) {
    const auto lanes = static_cast<std::size_t>(layer.conv.lanes);
    float* both = parts_.options().memory.floats(lanes);
    for (std::size_t l = 0; l < lanes; ++l) both[l] = layer.mixin.bias[l] + layer.conv.bias[l];
    layer.mixin.bias = both;
    layer.conv.bias = parts_.options().memory.floats(lanes);
  }

  // Of what a convolution takes.
  History history_before(const Conv& conv) { return parts_.history(conv.in_channels, conv.lookback()); }

  void allocate(WaveNet& net) {
    const int condition_lanes = lanes_for(condition_channels_);
    net.scratch = {.input = parts_.rows(lanes_for(net.in_channels)),
                   .condition = parts_.rows(condition_lanes),
                   .modulated = parts_.rows(condition_lanes),
                   .z = parts_.rows(z_lanes_),
                   .mix = parts_.rows(z_lanes_),
                   .dry = parts_.rows(z_lanes_),
                   .product = parts_.rows(product_lanes_),
                   .stream = {parts_.rows(stream_lanes_), parts_.rows(stream_lanes_)},
                   .head = {parts_.rows(head_lanes_), parts_.rows(head_lanes_)},
                   .condition_out = parts_.rows(condition_lanes).data};
    const Rows modulation = parts_.rows(modulation_lanes_);
    for (HeadStage& stage : net.head) stage.history = history_before(stage.conv);
    for (LayerArray& array : net.arrays) {
      array.head_history = history_before(array.head);
      for (WaveNetLayer& layer : array.layers) {
        layer.history = history_before(layer.conv);
        for (Film* film : {&layer.conv_pre_film, &layer.conv_post_film, &layer.mixin_pre_film, &layer.mixin_post_film,
                           &layer.activation_pre_film, &layer.activation_post_film, &layer.layer1x1_post_film,
                           &layer.head1x1_post_film}) {
          film->modulation = modulation;
        }
      }
    }
  }

  const stomp::WaveNet& table_;
  Parts& parts_;
  int condition_channels_ = 0;
  int stream_lanes_ = 0;
  int head_lanes_ = 0;
  int z_lanes_ = 0;
  int product_lanes_ = 0;
  int modulation_lanes_ = 0;
};

}  // namespace

BuiltNetwork build_wavenet(const stomp::WaveNet& table, Parts& parts) { return Builder(table, parts).build(); }

}  // namespace nampedal
