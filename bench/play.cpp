// Plays so many blocks of noise through one tier of an artifact: the program that instructions.py counts.
//
//   play ARTIFACT TIER BLOCK BLOCKS
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <vector>

#include "dsp/setup/artifact.h"
#include "dsp/setup/model.h"

int main(int count, char** arguments) try {
  if (count != 5) {
    std::fprintf(stderr, "usage: play ARTIFACT TIER BLOCK BLOCKS\n");
    return 2;
  }
  const int block = std::atoi(arguments[3]);
  const int blocks = std::atoi(arguments[4]);
  const nampedal::Artifact artifact = nampedal::Artifact::open(arguments[1]);
  nampedal::Model model(artifact, {.tier = std::atoi(arguments[2]),
                                   .sample_rate = artifact.sample_rate(),
                                   .max_frames = block,
                                   .kernels = &nampedal::choose_kernels("")});
  const auto frames = static_cast<std::size_t>(block);
  std::vector<float> in(frames * static_cast<std::size_t>(model.in_channels()));
  std::vector<float> out(frames * static_cast<std::size_t>(model.out_channels()));
  std::uint32_t state = 1;
  for (float& x : in) {
    state = state * 1664525u + 1013904223u;
    x = static_cast<float>(state >> 8) * 0x1p-25f - 0.25f;
  }
  for (int n = 0; n < blocks; ++n) model.process(in.data(), out.data(), block);
  std::printf("%s %g\n", model.isa(), static_cast<double>(out.back()));
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "play: %s\n", error.what());
  return 1;
}
