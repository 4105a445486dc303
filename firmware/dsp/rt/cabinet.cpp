#include "dsp/rt/cabinet.h"

#include <cstring>

namespace nampedal {

namespace {

std::size_t bytes(int floats) noexcept { return sizeof(float) * static_cast<std::size_t>(floats); }

void multiply_add(const float* a, const float* b, float* sum) noexcept {
  constexpr int n = Cabinet::kBins;
  for (int i = 0; i < n; ++i) {
    sum[i] += a[i] * b[i] - a[n + i] * b[n + i];
    sum[n + i] += a[i] * b[n + i] + a[n + i] * b[i];
  }
}

}  // namespace

void Cabinet::process(float* audio, int frames) noexcept {
  while (frames > 0) {
    const int now = frames < kPart - filled_ ? frames : kPart - filled_;
    float* present = window + kPart + filled_;
    std::memcpy(present, audio, bytes(now));
    kernels->fir({.taps = head, .tap_count = kPart, .bias = 0.0f, .in = present, .out = scratch, .frames = now});
    for (int f = 0; f < now; ++f) audio[f] = scratch[f] + tail[filled_ + f];
    audio += now;
    frames -= now;
    filled_ += now;
    if (filled_ == kPart) {
      filled_ = 0;
      end_block();
    }
  }
}

void Cabinet::end_block() noexcept {
  if (parts > 0) renew_tail();
  std::memcpy(window, window + kPart, bytes(kPart));
}

void Cabinet::renew_tail() noexcept {
  newest_ = newest_ + 1 < parts ? newest_ + 1 : 0;
  transform->forward(window, work, heard + newest_ * kSpectrum);
  std::memset(sum, 0, bytes(kSpectrum));
  add_parts(0, near_parts());
  if (far_ != far_wanted_) {
    // One block in which the far parts come in, or leave.
    transform_back();
    std::memcpy(tail, scratch + kPart, bytes(kPart));
    std::memset(sum, 0, bytes(kSpectrum));
    add_parts(near_parts(), parts);
    transform_back();
    for (int f = 0; f < kPart; ++f) {
      const float later = (static_cast<float>(f) + 0.5f) / kPart;
      tail[f] += scratch[kPart + f] * (far_wanted_ ? later : 1.0f - later);
    }
    far_ = far_wanted_;
    return;
  }
  if (far_) add_parts(near_parts(), parts);
  transform_back();
  std::memcpy(tail, scratch + kPart, bytes(kPart));
}

void Cabinet::add_parts(int first, int last) noexcept {
  for (int p = first; p < last; ++p) {
    const int at = newest_ >= p ? newest_ - p : newest_ - p + parts;
    multiply_add(spectra + p * kSpectrum, heard + at * kSpectrum, sum);
  }
}

void Cabinet::transform_back() noexcept { transform->inverse(sum, work, scratch); }

void Cabinet::reset() noexcept {
  std::memset(heard, 0, bytes(parts * kSpectrum));
  std::memset(window, 0, bytes(2 * kPart));
  std::memset(tail, 0, bytes(kPart));
  filled_ = newest_ = 0;
  far_ = far_wanted_;
}

void Cabinet::set(int parameter, float value) noexcept {
  if (parameter == kTail) far_wanted_ = value > 0.0f;
}

}  // namespace nampedal
