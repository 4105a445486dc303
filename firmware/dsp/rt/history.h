// The past of one signal, in one line of memory (rows), or in one for each channel (planes), oldest first.
//
// A block is appended behind the past it needs. Frames from `ring` on are written twice, there and `ring` frames
// before: once all of the past has its twin, the present jumps back to the twin. So no block pays for moving the past.
// Invariant between blocks: frames [end - lookback, end) are valid, and those of them from `ring` on have a twin.
#pragma once

#include <cstddef>
#include <cstring>

#include "dsp/kernels/fused.h"

namespace nampedal {

// How the memory of a history is laid out: what is allocated for one, and then plays in it.
struct HistoryLayout {
  int lines = 1;
  int width = 0;  // floats of a frame in a line
  int lookback = 0;
  int ring = 0;      // >= lookback + the largest block + slack
  int start = 0;     // of the present after clear(), < ring; another for each: twins are not written all at once
  int before = 0;    // frames before frame 0, the largest block: room for twins
  int capacity = 0;  // frames from frame 0 on: ring + lookback + the largest block + slack

  // Floats from one line to the next; 0: there is one line.
  constexpr std::ptrdiff_t line_stride() const noexcept { return lines > 1 ? plane_stride(before + capacity) : 0; }
  // Floats of all of it.
  constexpr std::size_t floats() const noexcept {
    return lines > 1 ? static_cast<std::size_t>(lines) * static_cast<std::size_t>(line_stride())
                     : static_cast<std::size_t>(before + capacity) * static_cast<std::size_t>(width);
  }
};

class History {
 public:
  // Of nothing, as it stands in an array until its network is built. Not to be played.
  History() = default;

  // memory: layout.floats() zeroes, which outlive it.
  History(const HistoryLayout& layout, float* memory) noexcept
      : data_(memory + static_cast<std::ptrdiff_t>(layout.before) * layout.width),
        line_stride_(layout.line_stride()),
        lines_(layout.lines),
        width_(layout.width),
        lookback_(layout.lookback),
        ring_(layout.ring),
        start_(layout.start),
        end_(layout.start),
        capacity_(layout.capacity) {}

  int lines() const noexcept { return lines_; }
  int width() const noexcept { return width_; }
  int lookback() const noexcept { return lookback_; }
  int ring() const noexcept { return ring_; }
  std::ptrdiff_t line_stride() const noexcept { return line_stride_; }

  // Room for a block behind the past.
  float* append() noexcept {
    if (end_ >= ring_ + lookback_) end_ -= ring_;
    return frame(0, end_);
  }

  // Where the twins of a block now appended belong, in floats before it; 0: it needs none.
  std::ptrdiff_t mirror(int frames) const noexcept {
    return lookback_ > 0 && end_ + frames > ring_ ? static_cast<std::ptrdiff_t>(ring_) * width_ : 0;
  }

  // The block stands where append() said, and its twins too.
  void advance_mirrored(int frames) noexcept { end_ += frames; }

  void advance(int frames) noexcept {
    const std::ptrdiff_t twin = mirror(frames);
    if (twin != 0) {
      const auto bytes = sizeof(float) * static_cast<std::size_t>(frames) * static_cast<std::size_t>(width_);
      for (int line = 0; line < lines_; ++line) std::memcpy(frame(line, end_) - twin, frame(line, end_), bytes);
    }
    end_ += frames;
  }

  void clear() noexcept {
    const auto bytes = sizeof(float) * static_cast<std::size_t>(capacity_) * static_cast<std::size_t>(width_);
    for (int line = 0; line < lines_; ++line) std::memset(frame(line, 0), 0, bytes);
    end_ = start_;
  }

  // Makes the whole past equal to the first frame appended: the steady state of a constant signal.
  void settle() noexcept {
    for (int line = 0; line < lines_; ++line) {
      const float* present = frame(line, end_);
      for (int past = end_ - lookback_; past < end_; ++past) {
        std::memcpy(frame(line, past), present, sizeof(float) * static_cast<std::size_t>(width_));
      }
    }
  }

 private:
  float* frame(int line, int index) const noexcept {
    return data_ + line * line_stride_ + static_cast<std::ptrdiff_t>(index) * width_;
  }

  float* data_ = nullptr;  // of frame 0
  std::ptrdiff_t line_stride_ = 0;
  int lines_ = 1;
  int width_ = 0;
  int lookback_ = 0;
  int ring_ = 0;
  int start_ = 0;
  int end_ = 0;
  int capacity_ = 0;
};

}  // namespace nampedal
