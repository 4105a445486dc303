// What the kernels tell of their work: nothing, where they play. Included by each ISA's file before the kernels;
// dsp/counting has the same functions with bodies, and compiles the same kernels with them.
#pragma once

#include "dsp/kernels/kernels.h"

namespace {

using namespace nampedal;

// A call of the general convolution, and one of its tiles.
inline void count_conv(const ConvArgs&) {}
template <class V, int kVectors, int kFrames>
inline void count_conv_tile(const ConvArgs&) {}

template <int kVectors>
inline void count_fir_tile(const FirArgs&, int /*frame*/) {}

// A frame of an LSTM layer, and a vector of its state.
inline void count_lstm(const LstmArgs&) {}
inline void count_lstm_vector(const LstmArgs&) {}

// A loop over an activation, and a vector in it.
inline void count_activation() {}
template <Shape shape, class V>
inline void count_shaped() {}

// A row that is added, scaled or blended, and so many floats that are added, scaled, blended or copied by vectors.
inline void count_row() {}
template <class V>
inline void count_vectors(std::ptrdiff_t /*floats*/) {}

inline void count_fused_conv() {}
inline void count_fused_layer() {}

// A loop over the frames of some outputs of planes, and a tile in it. kInputs: as planar_taps() has it.
inline void count_planes_run() {}
template <class V, int kOutputs, int kVectors, int kInputs>
inline void count_planes_tile(const FusedWeights& /*conv*/, int /*mixin_inputs*/) {}

}  // namespace
