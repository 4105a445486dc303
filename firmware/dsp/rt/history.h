// The past of one signal: rows of `stride` floats in one line of memory, oldest first.
//
// A block is appended behind the past it needs; when the line is full, the last `lookback` rows move to its start.
// Invariant between blocks: rows [end - lookback, end) are valid, lookback <= end <= capacity.
#pragma once

#include <cstddef>
#include <cstring>

namespace nampedal {

struct History {
  float* data = nullptr;  // capacity rows
  int stride = 0;
  int lookback = 0;
  int capacity = 0;  // >= start + the largest block
  int start = 0;     // of the present after clear(); another for each history, so that they do not all move at once
  int end = 0;

  // Room for `frames` rows behind the past.
  float* append(int frames) noexcept {
    if (end + frames > capacity) {
      std::memmove(data, row(end - lookback), sizeof(float) * static_cast<std::size_t>(lookback) * stride_size());
      end = lookback;
    }
    return row(end);
  }

  void advance(int frames) noexcept { end += frames; }

  void clear() noexcept {
    std::memset(data, 0, sizeof(float) * static_cast<std::size_t>(capacity) * stride_size());
    end = start;
  }

  // Makes the whole past equal to the first row appended: the steady state of a constant signal.
  void settle() noexcept {
    const float* present = row(end);
    for (int past = end - lookback; past < end; ++past) {
      std::memcpy(row(past), present, sizeof(float) * stride_size());
    }
  }

  float* row(int index) const noexcept { return data + static_cast<std::ptrdiff_t>(index) * stride; }

 private:
  std::size_t stride_size() const noexcept { return static_cast<std::size_t>(stride); }
};

}  // namespace nampedal
