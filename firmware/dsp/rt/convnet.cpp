#include "dsp/rt/convnet.h"

#include "dsp/rt/block_work.h"

namespace nampedal {

void ConvNet::process(const float* in, float* out, int frames, Pass pass) noexcept {
  Rows now{blocks.front().history.append(), blocks.front().history.width()};
  copy_rows(in, in_channels, now.data, now.stride, in_channels, frames);
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    ConvNetBlock& block = blocks[b];
    History& next = b + 1 < blocks.size() ? blocks[b + 1].history : head_history;
    const Rows after{next.append(), next.width()};
    if (pass == Pass::kSettle) block.history.settle();
    block.conv.process(now, {}, after, frames);
    block.activation.process(after.data, after.stride, block.conv.lanes, frames);
    if (pass == Pass::kPlay) block.history.advance(frames);
    now = after;
  }
  if (pass == Pass::kSettle) head_history.settle();
  head.process(now, {}, scratch, frames);
  if (pass == Pass::kPlay) head_history.advance(frames);
  copy_rows(scratch.data, scratch.stride, out, out_channels, out_channels, frames);
}

void ConvNet::clear() noexcept {
  for (ConvNetBlock& block : blocks) block.history.clear();
  head_history.clear();
}

void ConvNet::tell_work(BlockWork& work) const {
  work.samples(in_channels + out_channels);
  for (const ConvNetBlock& block : blocks) {
    work.past(block.history, block.conv.taps, block.conv.dilation);
    work.twins(block.history);
  }
  work.past(head_history, head.taps, head.dilation);
  work.twins(head_history);
}

}  // namespace nampedal
