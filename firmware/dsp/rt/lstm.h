#pragma once

#include <span>

#include "layers.h"
#include "net.h"

namespace nampedal {

// The gates are one matrix product over [input | hidden]: `joined` holds both, `in_channels` floats, then the hidden
// state padded to `lanes`.
struct LstmLayer {
  Conv gates;  // one tap, [in_channels + hidden] -> [i | f | g | o], each `lanes` wide
  int in_channels = 0;
  int lanes = 0;
  float* joined = nullptr;
  float* cell = nullptr;
  const float* initial_hidden = nullptr;  // (lanes,)
  const float* initial_cell = nullptr;    // (lanes,)

  float* hidden() const noexcept { return joined + in_channels; }
};

class Lstm final : public Net {
 public:
  // A settling pass runs `prewarm` frames: an LSTM's rest can't be computed, only waited for.
  void process(const float* in, float* out, int frames, Pass pass) noexcept override;
  void clear() noexcept override;

  int in_channels = 0;
  int out_channels = 0;
  int prewarm = 0;
  void (*cell)(const LstmArgs&) noexcept = nullptr;
  std::span<LstmLayer> layers;
  Conv head;
  float* gate_scratch = nullptr;  // (4 * the widest lanes,)
  float* head_scratch = nullptr;  // (head.lanes,)

 private:
  void step(const float* in) noexcept;
};

}  // namespace nampedal
