// Adds up the work of one block.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "dsp/kernels/kernels.h"
#include "dsp/rt/block_work.h"

namespace nampedal {

enum class Term : std::size_t {
#define NAMPEDAL_TERM(name, unit) name,
#include "dsp/counting/terms.inc"
#undef NAMPEDAL_TERM
};

struct TermText {
  const char* name;
  const char* unit;
};

inline constexpr TermText kTerms[] = {
#define NAMPEDAL_TERM(name, unit) {#name, unit},
#include "dsp/counting/terms.inc"
#undef NAMPEDAL_TERM
};

using Counts = std::array<double, std::size(kTerms)>;

// Kernels have no argument for it: they count into the one Counter of their thread, which is there as long as it lives.
class Counter final : public BlockWork {
 public:
  // widest: floats of the ISA's widest vector.
  Counter(int frames, int widest);
  ~Counter();
  Counter(const Counter&) = delete;
  Counter& operator=(const Counter&) = delete;

  static Counter& of_this_thread() noexcept { return *current; }

  void add(Term term, double count) noexcept { counts_[static_cast<std::size_t>(term)] += count; }
  // Weights that are read once a block.
  void weights(std::ptrdiff_t floats) noexcept;
  // Of an LSTM's layers those of one frame, and then that they were all.
  void lstm_weights(std::ptrdiff_t floats) noexcept { lstm_floats_ += static_cast<double>(floats); }
  void lstm_frame() noexcept;

  void array(const History& sum) override;
  void samples(int floats) override;
  void past(const History& history, int taps, int dilation) override;
  void twins(const History& history) override;
  void weights(const FusedWeights& weights) override;

  // Counts the cache lines as well: which have left a cache depends on all memory that a block touches.
  Counts finish();

 private:
  // Lines that are used again after so many blocks.
  struct Touched {
    double lines;
    double blocks;
  };

  // The widest vectors are taken first.
  int vectors_of_row(int lanes) const;

  static thread_local Counter* current;

  double frames_;
  int widest_;
  Counts counts_{};
  std::vector<Touched> touched_;
  double weight_lines_ = 0.0;
  double lstm_floats_ = 0.0;
};

}  // namespace nampedal
