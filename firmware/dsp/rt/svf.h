// A second-order filter whose coefficients may change while it plays: the state variable filter, integrated by the
// trapezoidal rule. A. Simper, "Solving the continuous SVF equations using trapezoidal integration" (Cytomic, 2013).
#pragma once

namespace nampedal {

struct SvfCoefficients {
  float a1 = 1.0f;
  float a2 = 0.0f;
  float a3 = 0.0f;
  float m0 = 1.0f;  // of the input
  float m1 = 0.0f;  // of the band
  float m2 = 0.0f;  // of the low

  // g: tan(pi * frequency / sample rate).  k: 1 / Q.
  static SvfCoefficients of(float g, float k, float m0, float m1, float m2) noexcept {
    const float a1 = 1.0f / (1.0f + g * (g + k));
    const float a2 = g * a1;
    return {.a1 = a1, .a2 = a2, .a3 = g * a2, .m0 = m0, .m1 = m1, .m2 = m2};
  }
};

struct Svf {
  float band = 0.0f;
  float low = 0.0f;

  float next(const SvfCoefficients& c, float in) noexcept {
    const float v3 = in - low;
    const float v1 = c.a1 * band + c.a2 * v3;
    const float v2 = low + c.a2 * band + c.a3 * v3;
    band = 2.0f * v1 - band;
    low = 2.0f * v2 - low;
    return c.m0 * in + c.m1 * v1 + c.m2 * v2;
  }

  void clear() noexcept { band = low = 0.0f; }
};

}  // namespace nampedal
