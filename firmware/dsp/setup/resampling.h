// Filters between two sample rates.
#pragma once

#include "dsp/rt/resampled.h"
#include "dsp/setup/memory.h"

namespace nampedal {

// A player, in its steady state, at `rate` Hz for audio at `audio_rate`, in blocks of up to max_frames. It has to take
// as many frames of its own rate as most_frames_at() says. Throws Error.
Resampled& resampled(Memory& memory, Player& player, double rate, double audio_rate, int max_frames);

// Of a block of `frames` at audio_rate, at another rate.
int most_frames_at(double rate, double audio_rate, int frames);

// What both filters delay the sound by, in frames at audio_rate.
double resampling_latency(const Resampled& player);

}  // namespace nampedal
