// What the kernels tell of their work (kernels/uncounted.h), turned into the terms of the cost model. Included by each
// counting ISA's file, which has defined the widths of its vectors and kPlaneReloads.
#pragma once

#include <algorithm>
#include <cstddef>

#include "dsp/counting/counter.h"
#include "dsp/kernels/kernels.h"

namespace {

using namespace nampedal;

// Multiply-adds in flight in a core with two pipelines of four stages.
constexpr int kSumsInFlight = 8;
// Taps of the FIR's loop that a core overlaps: three or four instructions each, of the few hundred that are in flight.
constexpr int kFirLookahead = 64;

inline void count(Term term, double amount) { Counter::of_this_thread().add(term, amount); }

// Registers that a vector type takes.
template <class V>
constexpr int registers() {
  return std::max(1, V::kWidth / Lanes16::kWidth);
}

// Only the head of an LSTM, which is called for one frame at a time, has rows without a stride.
inline bool is_lstm_head(const ConvArgs& a) { return a.out_stride == 0; }

inline void count_conv(const ConvArgs& a) {
  if (is_lstm_head(a)) {
    count(Term::lstm_heads, 1);
    Counter::of_this_thread().lstm_frame();
  } else {
    count(Term::conv_calls, 1);
    Counter::of_this_thread().weights(static_cast<std::ptrdiff_t>(a.taps) * a.in_channels * a.lanes);
  }
}

template <class V, int kVectors, int kFrames>
void count_conv_tile(const ConvArgs& a) {
  constexpr int kSums = kVectors * kFrames;
  const double steps = static_cast<double>(a.taps) * a.in_channels;
  if (is_lstm_head(a)) return count(Term::lstm_macs, steps * kSums);
  count(Term::conv_macs, steps * kSums);
  count(Term::conv_waits, steps * std::max(0, kSumsInFlight - kSums));
  count(Term::conv_loads, steps * (kVectors + kFrames));
  count(Term::conv_taps, a.taps);
  count(Term::conv_tiles, 1);
  count(Term::conv_stores, kSums * (a.add == nullptr ? 1 : 2));
}

template <int kVectors>
void count_fir_tile(const FirArgs& a, int frame) {
  count(Term::fir_tiles, 1);
  count(Term::fir_macs, static_cast<double>(a.tap_count) * kVectors);
  // Tiles of one vector overlap in the core, up to its lookahead.
  const bool first = kVectors > 1 || frame % (4 * Lanes8::kWidth) == 0;
  count(Term::fir_chain, first ? a.tap_count : std::max(0, a.tap_count - kFirLookahead));
}

inline void count_lstm(const LstmArgs& a) {
  count(Term::lstm_steps, 1);
  count(Term::lstm_chain, a.in_channels / Registers::kLstmSums + a.in_channels % Registers::kLstmSums);
  Counter::of_this_thread().lstm_weights(static_cast<std::ptrdiff_t>(4) * a.in_channels * a.lanes);
}

inline void count_lstm_vector(const LstmArgs& a) {
  count(Term::lstm_states, 1);
  count(Term::lstm_macs, 4.0 * a.in_channels);
}

inline void count_activation() { count(Term::activations, 1); }

constexpr Term term_of(Shape shape) {
  switch (shape) {
    case Shape::kTanh: return Term::tanh;
    case Shape::kFastTanh: return Term::fast_tanh;
    case Shape::kSigmoid:
    case Shape::kSiLU: return Term::sigmoid;
    case Shape::kSoftsign:
    case Shape::kSoftsigmoid: return Term::softsign;
    case Shape::kHardTanh:
    case Shape::kReLU:
    case Shape::kPReLU:
    case Shape::kHardSwish:
    case Shape::kLeakyHardTanh: break;
  }
  return Term::clipping;
}

template <Shape shape, class V>
void count_shaped() {
  count(term_of(shape), registers<V>());
}

inline void count_row() { count(Term::rows, 1); }

template <class V>
void count_vectors(std::ptrdiff_t floats) {
  count(Term::vectors, static_cast<double>(floats / V::kWidth * registers<V>()));
}

inline void count_fused_conv() { count(Term::fused_convs, 1); }
inline void count_fused_layer() { count(Term::layers, 1); }
inline void count_planes_run() { count(Term::planes_runs, 1); }

template <class V, int kOutputs, int kVectors, int kInputs>
void count_planes_tile(const FusedWeights& conv, int mixin_inputs) {
  constexpr int kLine = 16;
  constexpr int kSums = kVectors * kOutputs;
  const double inputs = static_cast<double>(conv.in_channels) * conv.taps;
  const double steps = inputs + mixin_inputs;
  // One input of a mixin is unrolled.
  const int mixin_turns = mixin_inputs > 1 ? mixin_inputs : 0;
  // The share of the loads at taps that do not stand on a line's start, and lie across two.
  int astray_taps = 0;
  for (int tap = 1; tap < conv.taps; ++tap) astray_taps += tap * conv.dilation % kLine != 0 ? 1 : 0;
  const double astray = static_cast<double>(astray_taps) / conv.taps * V::kWidth / kLine;
  const int loaded = kVectors * (kOutputs <= kPlaneReloads ? kOutputs : 1);
  const double loads = loaded * (1.0 + astray) + kOutputs;
  count(Term::planes_turns, (kInputs > 0 ? 0.0 : inputs) + mixin_turns);
  count(Term::planes_macs, steps * kSums);
  count(Term::planes_waits, steps * std::max(0, kSumsInFlight - kSums));
  count(Term::planes_loads, steps * std::max(0.0, loads - std::max(kSums, kSumsInFlight)));
  count(Term::planes_splits, steps * loaded * astray);
  count(Term::planes_taps, conv.taps + (mixin_turns > 0 ? 1 : 0));
  count(Term::planes_tiles, 1);
  count(Term::planes_stores, kSums);
}

}  // namespace
