#include "dsp/rt/lstm.h"

#include "dsp/rt/block_work.h"
#include "dsp/rt/guard.h"

namespace nampedal {

void Lstm::step(const float* in) noexcept {
  for (LstmLayer& layer : layers) {
    copy_rows(in, 0, layer.joined[before_], 0, layer.in_channels, 1);
    kernel({.weights = layer.gates.weights,
            .bias = layer.gates.bias,
            .in_channels = layer.gates.in_channels,
            .lanes = layer.lanes,
            .in = layer.joined[before_],
            .cell = layer.cell,
            .hidden = layer.hidden(1 - before_)});
    in = layer.hidden(1 - before_);
  }
  before_ = 1 - before_;
}

void Lstm::settle(const float* in) noexcept {
  if (!rest_known_) {
    for (int f = 0; f < prewarm; ++f) step(in);
    keep_rest();
    rest_known_ = true;
  }
  go_to_rest();
}

void Lstm::process(const float* in, float* out, int frames, Pass pass) noexcept {
  if (pass == Pass::kSettle) settle(in);
  for (int f = 0; f < frames; ++f) {
    // A settling pass has stepped already: its one frame is what the last step left.
    if (pass == Pass::kPlay) step(in);
    head.process({layers.back().hidden(before_), 0}, {}, {head_scratch, 0}, 1);
    copy_rows(head_scratch, 0, out, 0, out_channels, 1);
    if (pass == Pass::kPlay) {
      bool sound = true;
      for (int c = 0; c < out_channels; ++c) sound &= is_sound(out[c]);
      if (!sound) go_to_rest();
    }
    in += in_channels;
    out += out_channels;
  }
}

void Lstm::keep_rest() noexcept {
  for (LstmLayer& layer : layers) {
    copy_rows(layer.hidden(before_), 0, layer.rest_hidden, 0, layer.lanes, 1);
    copy_rows(layer.cell, 0, layer.rest_cell, 0, layer.lanes, 1);
  }
}

void Lstm::go_to_rest() noexcept {
  for (LstmLayer& layer : layers) {
    copy_rows(layer.rest_hidden, 0, layer.hidden(before_), 0, layer.lanes, 1);
    copy_rows(layer.rest_cell, 0, layer.cell, 0, layer.lanes, 1);
  }
}

void Lstm::clear() noexcept {
  for (LstmLayer& layer : layers) {
    copy_rows(layer.initial_hidden, 0, layer.hidden(before_), 0, layer.lanes, 1);
    copy_rows(layer.initial_cell, 0, layer.cell, 0, layer.lanes, 1);
  }
}

// What its kernels take is told as work of theirs: the copies of a frame are few.
void Lstm::tell_work(BlockWork&) const {}

}  // namespace nampedal
