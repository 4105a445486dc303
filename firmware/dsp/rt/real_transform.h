// The Fourier transform of real audio of one length, and its inverse.
#pragma once

#include <cmath>
#include <cstddef>
#include <kissfft/kissfft.hh>
#include <numbers>

// KissFFT takes powers of two apart into factors of 4 and 2. Its butterfly for larger primes is never reached here; it
// may allocate, so it is replaced: what includes this stays free of the allocator
// (tests/support/rigs/realtime_symbols.py).
template <>
inline void kissfft<float>::kf_bfly_generic(cpx_t*, std::size_t, std::size_t, std::size_t) const {}

namespace nampedal {

// Of 2 * kHalf samples, by complex transforms of half the length: even samples are real parts, odd ones imaginary parts
// (Press et al., Numerical Recipes, "FFT of Single Real Function"). A spectrum is kBins real parts, then kBins
// imaginary ones. The constructor allocates; the transforms do not.
template <int kHalf>
class RealTransform {
  static_assert(kHalf > 0 && (kHalf & (kHalf - 1)) == 0, "see kf_bfly_generic");

 public:
  using Complex = kissfft<float>::cpx_t;
  static constexpr int kFrames = 2 * kHalf;
  static constexpr int kBins = kHalf + 1;

  RealTransform() {
    for (int k = 0; k < kBins; ++k) {
      const double angle = std::numbers::pi * k / kHalf;
      cosine_[k] = static_cast<float>(std::cos(angle));
      sine_[k] = static_cast<float>(std::sin(angle));
    }
  }

  // audio: (kFrames,).  work: (kFrames,), is written over.
  void forward(const float* audio, Complex* work, float* spectrum) const noexcept {
    Complex* packed = work + kHalf;
    for (int f = 0; f < kHalf; ++f) packed[f] = {audio[2 * f], audio[2 * f + 1]};
    forward_.transform(packed, work);
    float* imaginary = spectrum + kBins;
    for (int k = 0; k < kBins; ++k) {
      const Complex a = work[k % kHalf];
      const Complex b = work[(kHalf - k) % kHalf];
      const float even_re = 0.5f * (a.real() + b.real());
      const float even_im = 0.5f * (a.imag() - b.imag());
      const float odd_re = 0.5f * (a.imag() + b.imag());
      const float odd_im = 0.5f * (b.real() - a.real());
      spectrum[k] = even_re + cosine_[k] * odd_re + sine_[k] * odd_im;
      imaginary[k] = even_im + cosine_[k] * odd_im - sine_[k] * odd_re;
    }
  }

  // kFrames times the audio that has this spectrum.
  void inverse(const float* spectrum, Complex* work, float* audio) const noexcept {
    Complex* packed = work + kHalf;
    const float* imaginary = spectrum + kBins;
    for (int k = 0; k < kHalf; ++k) {
      const int mirrored = kHalf - k;
      const float even_re = spectrum[k] + spectrum[mirrored];
      const float even_im = imaginary[k] - imaginary[mirrored];
      const float re = spectrum[k] - spectrum[mirrored];
      const float im = imaginary[k] + imaginary[mirrored];
      const float odd_re = cosine_[k] * re - sine_[k] * im;
      const float odd_im = cosine_[k] * im + sine_[k] * re;
      packed[k] = {even_re - odd_im, even_im + odd_re};
    }
    inverse_.transform(packed, work);
    for (int f = 0; f < kHalf; ++f) {
      audio[2 * f] = work[f].real();
      audio[2 * f + 1] = work[f].imag();
    }
  }

 private:
  kissfft<float> forward_{kHalf, false};
  kissfft<float> inverse_{kHalf, true};
  float cosine_[kBins];
  float sine_[kBins];
};

}  // namespace nampedal
