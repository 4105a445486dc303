#include "dsp/rt/linear.h"

#include "dsp/rt/block_work.h"

namespace nampedal {

void Linear::process(const float* in, float* out, int frames, Pass pass) noexcept {
  const int channels = static_cast<int>(histories.size());
  for (int c = 0; c < channels; ++c) {
    History& history = histories[static_cast<std::size_t>(c)];
    float* now = history.append();
    copy_rows(in + c, in_channels, now, 1, 1, frames);
    if (pass == Pass::kSettle) history.settle();
    kernels->fir({.taps = taps, .tap_count = tap_count, .bias = bias, .in = now, .out = scratch, .frames = frames});
    if (pass == Pass::kPlay) history.advance(frames);
    copy_rows(scratch, 1, out + c, out_channels, 1, frames);
  }
  for (int c = channels; c < out_channels; ++c) {
    for (int f = 0; f < frames; ++f) out[static_cast<std::ptrdiff_t>(f) * out_channels + c] = 0.0f;
  }
}

void Linear::clear() noexcept {
  for (History& history : histories) history.clear();
}

void Linear::tell_work(BlockWork& work) const { work.samples(static_cast<int>(histories.size()) + out_channels); }

}  // namespace nampedal
