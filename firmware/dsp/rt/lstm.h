#pragma once

#include <span>

#include "dsp/rt/layers.h"
#include "dsp/rt/net.h"

namespace nampedal {

// The gates are one matrix product over [input | hidden], held together: `in_channels` floats, then the hidden state
// padded to `lanes`. There are two such rows, for the frame before and the present one.
struct LstmLayer {
  Conv gates;  // one tap, [in_channels + hidden] -> [i | f | g | o], each `lanes` wide
  int in_channels = 0;
  int lanes = 0;
  float* joined[2] = {nullptr, nullptr};
  float* cell = nullptr;
  const float* initial_hidden = nullptr;  // (lanes,)
  const float* initial_cell = nullptr;    // (lanes,)
  // What the first settling pass left.
  float* rest_hidden = nullptr;  // (lanes,)
  float* rest_cell = nullptr;    // (lanes,)

  float* hidden(int row) const noexcept { return joined[row] + in_channels; }
};

class Lstm final : public Net {
 public:
  // The first settling pass runs `prewarm` frames: an LSTM's rest can't be computed, only waited for. What it left is
  // kept, and is what every later one puts back: all of them are fed the same silence. An output that is no sound is
  // played, and the state behind it is that rest, too: what is not finite would stay in it for ever.
  void process(const float* in, float* out, int frames, Pass pass) noexcept override;
  void clear() noexcept override;
  void tell_work(BlockWork& work) const override;

  int in_channels = 0;
  int out_channels = 0;
  int prewarm = 0;
  void (*kernel)(const LstmArgs&) noexcept = nullptr;
  std::span<LstmLayer> layers;
  Conv head;
  float* head_scratch = nullptr;  // (head.lanes,)

 private:
  void step(const float* in) noexcept;
  void settle(const float* in) noexcept;
  void keep_rest() noexcept;
  void go_to_rest() noexcept;

  bool rest_known_ = false;
  int before_ = 0;  // the row of the frame before
};

}  // namespace nampedal
