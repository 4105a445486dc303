// The past of one signal, in one line of memory (rows), or in one for each channel (planes), oldest first.
//
// A block is appended behind the past it needs. Frames from `ring` on are written twice, there and `ring` frames
// before: once all of the past has its twin, the present jumps back to the twin. So no block pays for moving the past.
// Invariant between blocks: frames [end - lookback, end) are valid, and those of them from `ring` on have a twin.
#pragma once

#include <cstddef>
#include <cstring>

#include "../kernels/fused.h"

namespace nampedal {

struct History {
  float* data = nullptr;  // of frame 0; before it, room for the twins of frames before `ring` in a block that passes it
  int lines = 1;
  std::ptrdiff_t line_stride = 0;  // floats from one line to the next
  int width = 0;                   // floats of a frame in a line
  int lookback = 0;
  int ring = 0;   // >= lookback + the largest block + slack
  int start = 0;  // of the present after clear(), < ring; another for each history: twins are not written all at once
  int end = 0;
  int before = 0;    // frames before `data`, the largest block
  int capacity = 0;  // frames from `data` on: ring + lookback + the largest block + slack

  // Room for a block behind the past.
  float* append() noexcept {
    if (end >= ring + lookback) end -= ring;
    return frame(0, end);
  }

  // Where the twins of a block now appended belong, in floats before it; 0: it needs none.
  std::ptrdiff_t mirror(int frames) const noexcept {
    return lookback > 0 && end + frames > ring ? static_cast<std::ptrdiff_t>(ring) * width : 0;
  }

  // The block stands where append() said, and its twins too.
  void advance_mirrored(int frames) noexcept { end += frames; }

  void advance(int frames) noexcept {
    const std::ptrdiff_t twin = mirror(frames);
    if (twin != 0) {
      const auto bytes = sizeof(float) * static_cast<std::size_t>(frames) * static_cast<std::size_t>(width);
      for (int line = 0; line < lines; ++line) std::memcpy(frame(line, end) - twin, frame(line, end), bytes);
    }
    end += frames;
  }

  void clear() noexcept {
    const auto bytes = sizeof(float) * static_cast<std::size_t>(capacity) * static_cast<std::size_t>(width);
    for (int line = 0; line < lines; ++line) std::memset(frame(line, 0), 0, bytes);
    end = start;
  }

  // Makes the whole past equal to the first frame appended: the steady state of a constant signal.
  void settle() noexcept {
    for (int line = 0; line < lines; ++line) {
      const float* present = frame(line, end);
      for (int past = end - lookback; past < end; ++past) {
        std::memcpy(frame(line, past), present, sizeof(float) * static_cast<std::size_t>(width));
      }
    }
  }

 private:
  float* frame(int line, int index) const noexcept {
    return data + line * line_stride + static_cast<std::ptrdiff_t>(index) * width;
  }
};

}  // namespace nampedal
