// How many sums the kernels keep in registers, for a register file of 16 vectors or of 32.
#pragma once

namespace nampedal {

struct Registers16 {
  // Frames of a general convolution's tile, with one vector of outputs and with two: sums beside the weights.
  static constexpr int kConvFrames[] = {8, 6};
  // Sums of a tile of planes. Fewer than 8 would wait for one another.
  static constexpr int kPlanarSums = 8;
  // Partial sums of each gate of an LSTM, so that additions do not wait for one another.
  static constexpr int kLstmSums = 2;
};

struct Registers32 {
  static constexpr int kConvFrames[] = {8, 8};
  static constexpr int kPlanarSums = 16;
  static constexpr int kLstmSums = 4;
};

}  // namespace nampedal
