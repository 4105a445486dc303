#include "dsp/rt/dc_blocker.h"

#include "dsp/rt/guard.h"

namespace nampedal {

void DcBlocker::process(float* audio, int frames) noexcept {
  const double step = 2.0 * share;
  double low = low_;
  for (int f = 0; f < frames; ++f) {
    const double above = static_cast<double>(audio[f]) - low;
    audio[f] = static_cast<float>(above - share * above);
    low += step * above;
  }
  low_ = low;
}

void DcBlocker::reset() noexcept {
  const float rest = before != nullptr ? before->rest() : 0.0f;
  low_ = is_sound(&rest, 1) ? static_cast<double>(rest) : 0.0;
}

}  // namespace nampedal
