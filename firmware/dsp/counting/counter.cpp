#include "dsp/counting/counter.h"

#include <algorithm>
#include <cmath>

namespace nampedal {

namespace {

constexpr double kLineFloats = 16.0;
constexpr double kLineBytes = 64.0;
// Bytes touched between two uses above which a line has left the cache. The cores in question have 32 to 64 KiB at the
// first level, and 512 KiB to 1 MiB at the second.
constexpr double kFirstLevel = 48 << 10;
constexpr double kSecondLevel = 512 << 10;

// The share of the lines that have left the cache: none if all bytes fit in it, all from 4/3 of its size, linear
// between.
double evicted_share(double bytes, double level) { return std::clamp(3.0 * (bytes / level - 1.0), 0.0, 1.0); }

// Floats of a frame, in all lines.
double frame_floats(const History& history) { return static_cast<double>(history.lines()) * history.width(); }

}  // namespace

thread_local Counter* Counter::current = nullptr;

Counter::Counter(int frames, int widest) : frames_(frames), widest_(widest) {
  current = this;
  add(Term::blocks, 1.0);
}

Counter::~Counter() { current = nullptr; }

void Counter::weights(std::ptrdiff_t floats) noexcept { weight_lines_ += static_cast<double>(floats) / kLineFloats; }

void Counter::weights(const FusedWeights& weights) {
  this->weights(static_cast<std::ptrdiff_t>(weights.taps) * weights.in_channels * weights.lanes);
}

void Counter::lstm_frame() noexcept {
  add(Term::lstm_lines, lstm_floats_ / kLineFloats * evicted_share(sizeof(float) * lstm_floats_, kFirstLevel));
  lstm_floats_ = 0.0;
}

void Counter::array(const History& sum) {
  add(Term::arrays, 1.0);
  // Planes have a line for each channel; rows have one for all.
  const bool planes = sum.width() == 1;
  add(Term::vectors, planes ? sum.lines() * std::ceil(frames_ / widest_) : frames_ * vectors_of_row(sum.width()));
}

int Counter::vectors_of_row(int lanes) const {
  int vectors = 0;
  for (int width = widest_; width >= kLaneQuantum; lanes %= width, width /= 2) vectors += lanes / width;
  return vectors;
}

void Counter::samples(int floats) { add(Term::samples, frames_ * floats); }

void Counter::past(const History& history, int taps, int dilation) {
  const double lines_a_frame = frame_floats(history) / kLineFloats;
  // The newest tap is not counted: the layer before has just written it.
  for (int tap = 1; tap < taps; ++tap) {
    touched_.push_back({std::min<double>(dilation, frames_) * lines_a_frame, std::max(1.0, dilation / frames_)});
  }
  add(Term::streams, history.lines() * (dilation > frames_ ? taps : 1));
  const double twins = static_cast<double>(history.lookback()) / history.ring();
  touched_.push_back({frames_ * lines_a_frame * (1.0 + twins), std::max(1.0, history.ring() / frames_)});
}

void Counter::twins(const History& history) {
  add(Term::vectors, frames_ * history.lookback() / history.ring() * frame_floats(history) / widest_);
}

Counts Counter::finish() {
  touched_.push_back({weight_lines_, 1.0});
  double block_bytes = 0.0;
  for (const Touched& touched : touched_) block_bytes += kLineBytes * touched.lines;
  for (const Touched& touched : touched_) {
    const double between = touched.blocks * block_bytes;
    add(Term::lines, touched.lines * evicted_share(between, kFirstLevel));
    add(Term::far_lines, touched.lines * evicted_share(between, kSecondLevel));
  }
  return counts_;
}

}  // namespace nampedal
