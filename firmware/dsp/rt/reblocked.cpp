#include "dsp/rt/reblocked.h"

namespace nampedal {

void Reblocked::process(const float* in, float* out, int frames) noexcept {
  for (int f = 0; f < frames; ++f) {
    given[at_] = in[f];
    out[f] = played[at_];
    if (++at_ == block_frames) {
      player->process(given, played, block_frames);
      at_ = 0;
    }
  }
}

void Reblocked::reset() noexcept {
  player->reset();
  at_ = 0;
  for (int f = 0; f < block_frames; ++f) {
    given[f] = 0.0f;
    played[f] = player->rest();
  }
}

}  // namespace nampedal
