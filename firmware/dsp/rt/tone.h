// Bass, mid and treble as the Neural Amp Modeler plugin voices them, and two cuts.
#pragma once

#include "dsp/rt/block.h"
#include "dsp/rt/smoothed.h"
#include "dsp/rt/svf.h"

namespace nampedal {

class Tone final : public Block {
 public:
  // Bass, mid, treble: dB. Cuts: tan(pi * frequency / sample rate), at most kMaxCut; 0: off.
  enum Parameter { kBass, kMid, kTreble, kLowCut, kHighCut };
  static constexpr int kBands = 3;
  static constexpr int kCuts = 2;
  // Shelves at 150 and 1800 Hz with a Q of 0.707; a bell at 425 Hz, of Q 1.5 where it takes away, else 0.7
  // (NeuralAmpModelerPlugin, ToneStack.cpp).
  static constexpr float kFrequencies[kBands] = {150.0f, 425.0f, 1800.0f};

  void process(float* audio, int frames) noexcept override;
  void reset() noexcept override;
  void set(int parameter, float value) noexcept override;

  Smoothed gain_db[kBands];
  Smoothed cut[kCuts];
  Smoothed share[kCuts];  // of what is cut in the sound: 1, or 0 where the cut is off
  float g[kBands] = {};   // tan(pi * frequency / sample rate)
  int smoothing_frames = 1;

 private:
  void update() noexcept;

  SvfCoefficients band_[kBands];
  SvfCoefficients edge_[kCuts];
  Svf bands_[kBands];
  Svf cuts_[kCuts];
  int until_update_ = 0;
};

}  // namespace nampedal
