#include <algorithm>
#include <cmath>

#include "dsp/rt/convnet.h"
#include "dsp/rt/linear.h"
#include "dsp/rt/lstm.h"
#include "dsp/rt/sequential.h"
#include "dsp/setup/parts.h"

namespace nampedal {

BuiltNetwork build_convnet(const stomp::ConvNet& table, Parts& parts) {
  ConvNet& net = parts.options().memory.object<ConvNet>();
  const unsigned count = checked_count(table.blocks(), 1, "blocks");
  net.blocks = parts.options().memory.array<ConvNetBlock>(count);
  int channels = 0;
  for (unsigned b = 0; b < count; ++b) {
    const Where where = at("blocks", b);
    const stomp::ConvNetBlock& source = required(table.blocks()->Get(b), where);
    ConvNetBlock& block = net.blocks[b];
    Parts::ConvShape shape;
    block.conv = parts.conv(source.conv(), where + ".conv", channels, 0, 1, &shape);
    block.history = parts.history(shape.in_channels, block.conv.lookback());
    block.activation = parts.activation(source.activation(), where + ".activation", shape.out_channels);
    if (b == 0) net.in_channels = shape.in_channels;
    channels = shape.out_channels;
  }
  Parts::ConvShape head;
  net.head = parts.conv(table.head(), "head", channels, 0, 1, &head);
  net.head_history = parts.history(channels, net.head.lookback());
  net.out_channels = head.out_channels;
  net.scratch = parts.rows(net.head.lanes);
  return {.net = &net, .in_channels = net.in_channels, .out_channels = net.out_channels};
}

BuiltNetwork build_lstm(const stomp::Lstm& table, Parts& parts) {
  Memory& memory = parts.options().memory;
  Lstm& net = memory.object<Lstm>();
  const unsigned count = checked_count(table.layers(), 1, "layers");
  net.layers = memory.array<LstmLayer>(count);
  net.kernel = parts.options().kernels.lstm[static_cast<int>(parts.options().accuracy)];
  if (table.prewarm() > kMaxLookback) {
    refuse(Mistake::kLimit, "prewarm",
           "is " + std::to_string(table.prewarm()) + " frames; allowed are " + std::to_string(kMaxLookback));
  }
  net.prewarm = static_cast<int>(table.prewarm());
  int channels = 0;
  std::int64_t macs = 0;
  for (unsigned l = 0; l < count; ++l) {
    const Where where = at("layers", l);
    const stomp::LstmLayer& source = required(table.layers()->Get(l), where);
    LstmLayer& layer = net.layers[l];
    int hidden = 0;
    int in_channels = 0;
    layer.gates = parts.gates(source, where, &hidden, &in_channels);
    if (l == 0) net.in_channels = in_channels;
    if (l > 0 && in_channels != channels) {
      refuse(Mistake::kStructure, where,
             "takes " + std::to_string(in_channels) + " channels; " + std::to_string(channels) + " come in");
    }
    channels = hidden;
    macs += std::int64_t{4} * hidden * (in_channels + hidden);
    layer.in_channels = in_channels;
    layer.lanes = lanes_for(hidden);
    // The hidden state begins a cache line: a vector stored across two is slow to be read back.
    constexpr int kLine = 16;
    const int before = (in_channels + kLine - 1) / kLine * kLine;
    for (float*& row : layer.joined) {
      row = memory.floats(static_cast<std::size_t>(before + layer.lanes)) + (before - in_channels);
    }
    for (float** row : {&layer.cell, &layer.rest_hidden, &layer.rest_cell}) {
      *row = memory.floats(static_cast<std::size_t>(layer.lanes));
    }
    const auto width = static_cast<unsigned>(hidden);
    layer.initial_hidden = parts.padded(source.initial_hidden(), width, layer.lanes, where + ".initial_hidden");
    layer.initial_cell = parts.padded(source.initial_cell(), width, layer.lanes, where + ".initial_cell");
  }
  Parts::ConvShape head;
  net.head = parts.conv(table.head(), "head", channels, 1, 1, &head);
  net.out_channels = head.out_channels;
  net.head_scratch = memory.floats(static_cast<std::size_t>(net.head.lanes));
  memory.settle(macs * net.prewarm);
  return {.net = &net, .in_channels = net.in_channels, .out_channels = net.out_channels};
}

BuiltNetwork build_linear(const stomp::Linear& table, Parts& parts) {
  Memory& memory = parts.options().memory;
  Linear& net = memory.object<Linear>();
  const unsigned taps = count_of(table.impulse_response());
  if (taps < 1 || taps > kMaxLookback) {
    refuse(Mistake::kLimit, "impulse_response",
           "has " + std::to_string(taps) + " taps; allowed are 1 to " + std::to_string(kMaxLookback));
  }
  for (const auto channels : {table.in_channels(), table.out_channels()}) {
    if (channels < 1 || channels > kMaxChannels) {
      refuse(Mistake::kLimit, "linear",
             "has " + std::to_string(channels) + " channels; allowed are 1 to " + std::to_string(kMaxChannels));
    }
  }
  if (!std::isfinite(table.bias())) refuse(Mistake::kValue, "bias", "is not a finite number");
  net.kernels = &parts.options().kernels;
  net.in_channels = static_cast<int>(table.in_channels());
  net.out_channels = static_cast<int>(table.out_channels());
  net.tap_count = static_cast<int>(taps);
  net.taps = parts.padded(table.impulse_response(), taps, net.tap_count, "impulse_response");
  net.bias = table.bias();
  net.histories = memory.array<History>(static_cast<std::size_t>(std::min(net.in_channels, net.out_channels)));
  for (History& history : net.histories) {
    history = parts.history({.width = 1, .lookback = net.tap_count - 1});
  }
  net.scratch = memory.floats(static_cast<std::size_t>(parts.options().max_frames));
  return {.net = &net, .in_channels = net.in_channels, .out_channels = net.out_channels};
}

BuiltNetwork build_sequential(const stomp::Sequential& table, Parts& parts) {
  Memory& memory = parts.options().memory;
  Sequential& net = memory.object<Sequential>();
  const unsigned count = checked_count(table.networks(), 1, "networks");
  if (count > kMaxSequential) {
    refuse(Mistake::kLimit, "networks",
           "has " + std::to_string(count) + " entries; allowed are 1 to " + std::to_string(kMaxSequential));
  }
  net.nets = memory.array<Net*>(count);
  BuiltNetwork ends{.net = &net, .in_channels = 0, .out_channels = 0};
  int widest = 0;
  for (unsigned n = 0; n < count; ++n) {
    const Where where = at("networks", n);
    try {
      const BuiltNetwork built = build_nested(table.networks()->Get(n), parts.options(), parts.nesting() + 1);
      if (n > 0 && built.in_channels != ends.out_channels) {
        refuse(Mistake::kStructure, "network",
               "takes " + std::to_string(built.in_channels) + " channels; " + std::to_string(ends.out_channels) +
                   " come in");
      }
      net.nets[n] = built.net;
      if (n == 0) ends.in_channels = built.in_channels;
      ends.out_channels = built.out_channels;
      if (n + 1 < count) widest = std::max(widest, built.out_channels);
    } catch (const Error& error) {
      throw Error(error.mistake(), where + ": " + error.what());
    }
  }
  for (float*& rows : net.between) {
    rows = memory.floats(static_cast<std::size_t>(widest) * static_cast<std::size_t>(parts.options().max_frames));
  }
  return ends;
}

}  // namespace nampedal
