#pragma once

#include <span>

#include "dsp/rt/layers.h"
#include "dsp/rt/net.h"

namespace nampedal {

struct ConvNetBlock {
  History history;
  Conv conv;
  Activation activation;
};

class ConvNet final : public Net {
 public:
  void process(const float* in, float* out, int frames, Pass pass) noexcept override;
  void clear() noexcept override;
  void tell_work(BlockWork& work) const override;

  int in_channels = 0;
  int out_channels = 0;
  std::span<ConvNetBlock> blocks;
  History head_history;  // of the last block's output
  Conv head;
  Rows scratch;  // the head's output
};

}  // namespace nampedal
