// Networks one behind the other: each takes what the one before puts out.
#pragma once

#include <span>

#include "dsp/rt/net.h"

namespace nampedal {

class Sequential final : public Net {
 public:
  void process(const float* in, float* out, int frames, Pass pass) noexcept override;
  void clear() noexcept override;
  void tell_work(BlockWork& work) const override;

  std::span<Net*> nets;
  // [frame][channel], as wide as the widest output between two networks. Turn and turn about: the input of one may not
  // be its output.
  float* between[2] = {nullptr, nullptr};
};

}  // namespace nampedal
