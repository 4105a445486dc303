#pragma once

#include <span>

#include "dsp/rt/layers.h"
#include "dsp/rt/net.h"

namespace nampedal {

// One dilated layer. `z` rows are [primary | secondary], each `lanes` wide; without gating, [primary].
struct WaveNetLayer {
  History history;  // of the conv's input
  Conv conv;
  Conv mixin;
  Gate gate = Gate::kOff;
  Activation activation;
  Activation secondary;
  int lanes = 0;  // of the bottleneck
  bool has_layer1x1 = false;
  bool has_head1x1 = false;
  Conv layer1x1;
  Conv head1x1;
  Film conv_pre_film;
  Film conv_post_film;
  Film mixin_pre_film;
  Film mixin_post_film;
  Film activation_pre_film;
  Film activation_post_film;
  Film layer1x1_post_film;
  Film head1x1_post_film;
};

struct LayerArray {
  Conv rechannel;
  std::span<WaveNetLayer> layers;
  History head_history;  // of the head's input, the sum over the layers
  Conv head;
};

struct HeadStage {
  Activation activation;
  History history;
  Conv conv;
};

// Scratch rows, each as wide as the widest user and as long as the largest block.
struct WaveNetScratch {
  Rows input;      // the network's input, padded
  Rows condition;  // padded
  Rows modulated;  // condition after mixin_pre_film
  Rows z;
  Rows mix;
  Rows dry;                        // pre-activation, for blending
  Rows product;                    // of layer1x1 or head1x1, before it is added
  Rows stream[2];                  // residual streams that are not a history
  Rows head[2];                    // outputs of the arrays' heads
  float* condition_out = nullptr;  // [frame][condition channels], of the condition's network
};

class WaveNet final : public Net {
 public:
  void process(const float* in, float* out, int frames, Pass pass) noexcept override;
  void clear() noexcept override;
  void tell_work(BlockWork& work) const override;

  int in_channels = 0;
  int out_channels = 0;
  int condition_channels = 0;
  Net* condition = nullptr;  // nullptr: the input itself
  std::span<LayerArray> arrays;
  float head_scale = 1.0f;
  std::span<HeadStage> head;
  WaveNetScratch scratch;

 private:
  Rows run_array(LayerArray& array, Rows in, Rows head_in, Rows head_out, int frames, Pass pass, bool last) noexcept;
  void run_layer(WaveNetLayer& layer, Rows x, Rows head_sum, Rows next, int frames, Pass pass) noexcept;
};

}  // namespace nampedal
