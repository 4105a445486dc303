// The past of one signal on planes: as History, with one line of memory for each channel.
#pragma once

#include <cstddef>
#include <cstring>

#include "../kernels/planar.h"

namespace nampedal {

struct PlanarHistory {
  float* data = nullptr;
  std::ptrdiff_t stride = 0;  // >= capacity + kPlanarSlack
  int channels = 0;
  int lookback = 0;
  int capacity = 0;  // >= start + the largest block
  int start = 0;
  int end = 0;

  Planes append(int frames) noexcept {
    if (end + frames > capacity) {
      for (int c = 0; c < channels; ++c) {
        std::memmove(plane(c), plane(c) + end - lookback, sizeof(float) * static_cast<std::size_t>(lookback));
      }
      end = lookback;
    }
    return {data + end, stride};
  }

  void advance(int frames) noexcept { end += frames; }

  void clear() noexcept {
    std::memset(data, 0, sizeof(float) * static_cast<std::size_t>(channels) * static_cast<std::size_t>(stride));
    end = start;
  }

  // Makes the whole past equal to the first frame appended.
  void settle() noexcept {
    for (int c = 0; c < channels; ++c) {
      const float present = plane(c)[end];
      for (int past = end - lookback; past < end; ++past) plane(c)[past] = present;
    }
  }

  float* plane(int channel) const noexcept { return data + channel * stride; }
};

}  // namespace nampedal
