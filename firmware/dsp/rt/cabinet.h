// A loudspeaker cabinet: convolution with its impulse response, without delay.
#pragma once

#include "dsp/kernels/kernels.h"
#include "dsp/rt/block.h"
#include "dsp/rt/real_transform.h"
#include "dsp/rt/smoothed.h"

namespace nampedal {

// The first kPart taps as they are, frame by frame; the others in parts of kPart, in the frequency domain: what the
// parts make of all blocks of kPart frames before now is added up when a block is full, and is heard during the next
// one (W. Gardner, "Efficient convolution without input-output delay", 1995, with parts of one size). Blocks are
// counted from reset(), so that the sound does not depend on how the audio is cut.
class Cabinet final : public Block {
 public:
  static constexpr int kPart = 64;
  // Of two parts: the block before, and the one that fills.
  using Transform = RealTransform<kPart>;
  static constexpr int kBins = Transform::kBins;
  // kTail: 1: all parts are heard, 0: the first quarter.
  enum Parameter { kTail };

  void process(float* audio, int frames) noexcept override;
  void reset() noexcept override;
  void set(int parameter, float value) noexcept override;

  // So many spectra behind each other, kBins real parts and then kBins imaginary ones each.
  static constexpr int kSpectrum = 2 * kBins;

  const Kernels* kernels = nullptr;
  const float* head = nullptr;     // (kPart,)
  const float* spectra = nullptr;  // of the parts behind the head, scaled for the inverse transform
  int parts = 0;
  float* heard = nullptr;              // spectra of the last `parts` blocks, a ring
  float* window = nullptr;             // (2 * kPart + kReadSlack,): the block before, the block that fills
  float* tail = nullptr;               // (kPart,): what the parts add to the block now
  float* scratch = nullptr;            // (2 * kPart,)
  float* sum = nullptr;                // kSpectrum
  Transform::Complex* work = nullptr;  // (Transform::kFrames,)
  const Transform* transform = nullptr;

 private:
  void end_block() noexcept;
  void renew_tail() noexcept;
  void add_parts(int first, int last) noexcept;
  void transform_back() noexcept;
  int near_parts() const noexcept { return (parts + 3) / 4; }

  int filled_ = 0;  // frames of the block that fills
  int newest_ = 0;  // of the spectra in `heard`
  bool far_ = true;
  bool far_wanted_ = true;
};

}  // namespace nampedal
