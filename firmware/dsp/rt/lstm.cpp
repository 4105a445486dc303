#include "lstm.h"

namespace nampedal {

void Lstm::step(const float* in) noexcept {
  for (LstmLayer& layer : layers) {
    copy_rows(in, 0, layer.joined, 0, layer.in_channels, 1);
    layer.gates.process({layer.joined, 0}, {}, {gate_scratch, 0}, 1);
    cell({gate_scratch, layer.cell, layer.hidden(), layer.lanes});
    in = layer.hidden();
  }
}

void Lstm::process(const float* in, float* out, int frames, Pass pass) noexcept {
  if (pass == Pass::kSettle) {
    for (int f = 0; f < prewarm; ++f) step(in);
  }
  for (int f = 0; f < frames; ++f) {
    // A settling pass has stepped already: its one frame is what the last step left.
    if (pass == Pass::kPlay) step(in);
    head.process({layers.back().hidden(), 0}, {}, {head_scratch, 0}, 1);
    copy_rows(head_scratch, 0, out, 0, out_channels, 1);
    in += in_channels;
    out += out_channels;
  }
}

void Lstm::clear() noexcept {
  for (LstmLayer& layer : layers) {
    copy_rows(layer.initial_hidden, 0, layer.hidden(), 0, layer.lanes, 1);
    copy_rows(layer.initial_cell, 0, layer.cell, 0, layer.lanes, 1);
  }
}

}  // namespace nampedal
