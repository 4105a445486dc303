#include "lstm.h"

namespace nampedal {

void Lstm::step(const float* in) noexcept {
  for (LstmLayer& layer : layers) {
    copy_rows(in, 0, layer.joined[before_], 0, layer.in_channels, 1);
    kernel({layer.gates.weights, layer.gates.bias, layer.gates.in_channels, layer.lanes, layer.joined[before_],
            layer.cell, layer.hidden(1 - before_)});
    in = layer.hidden(1 - before_);
  }
  before_ = 1 - before_;
}

void Lstm::process(const float* in, float* out, int frames, Pass pass) noexcept {
  if (pass == Pass::kSettle) {
    for (int f = 0; f < prewarm; ++f) step(in);
  }
  for (int f = 0; f < frames; ++f) {
    // A settling pass has stepped already: its one frame is what the last step left.
    if (pass == Pass::kPlay) step(in);
    head.process({layers.back().hidden(before_), 0}, {}, {head_scratch, 0}, 1);
    copy_rows(head_scratch, 0, out, 0, out_channels, 1);
    in += in_channels;
    out += out_channels;
  }
}

void Lstm::clear() noexcept {
  for (LstmLayer& layer : layers) {
    copy_rows(layer.initial_hidden, 0, layer.hidden(before_), 0, layer.lanes, 1);
    copy_rows(layer.initial_cell, 0, layer.cell, 0, layer.lanes, 1);
  }
}

}  // namespace nampedal
