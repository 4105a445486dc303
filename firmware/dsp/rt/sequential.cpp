#include "dsp/rt/sequential.h"

namespace nampedal {

void Sequential::process(const float* in, float* out, int frames, Pass pass) noexcept {
  const std::size_t last = nets.size() - 1;
  for (std::size_t n = 0; n < last; ++n) {
    nets[n]->process(in, between[n % 2], frames, pass);
    in = between[n % 2];
  }
  nets[last]->process(in, out, frames, pass);
}

void Sequential::clear() noexcept {
  for (Net* net : nets) net->clear();
}

void Sequential::tell_work(BlockWork& work) const {
  for (const Net* net : nets) net->tell_work(work);
}

}  // namespace nampedal
