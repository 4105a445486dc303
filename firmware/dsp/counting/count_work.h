// Counts the work of a network's block: plays one block of it with counting kernels.
//
// They are the kernels that play, compiled once more over vectors without numbers, with counts where those that play
// have nothing (kernels/uncounted.h). There is one set for each ISA, on any CPU, so that a PC counts what a Raspberry
// Pi will do: the network is built as for that ISA, and takes the paths that it takes there.
#pragma once

#include <string>
#include <vector>

#include "dsp/counting/counter.h"
#include "dsp/setup/artifact.h"

namespace nampedal {

// The names of the ISAs whose work can be counted.
std::vector<std::string> counted_isas();

// The amount of each term in one block of a tier, prepared for blocks of `frames`. Throws Error.
Counts count_work(const Artifact& artifact, int tier, int frames, const std::string& isa);

}  // namespace nampedal
