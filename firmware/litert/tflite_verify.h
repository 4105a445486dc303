// Whether a .tflite is a graph as our converter writes them, so that LiteRT, which trusts its models, may be given it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace nampedal::litert {

struct Verified {
  int block = 0;           // frames that it was written for
  bool any_block = false;  // whether it takes others
  std::int64_t macs = 0;   // multiply-adds for one block
};

// What all signals of a graph may take at a block: LiteRT uses no more than that for them.
inline constexpr std::int64_t kMaxSignalBytes = std::int64_t{256} << 20;

// The whole of a file's tables, every index, every shape from the input to the output at the shortest block, at its own
// and at `frames` (0: no other), every type and every grid of int8. Only what our converter writes passes. The time is
// bounded by the file's size. name: begins the text. Throws Error: kGraph, kNotAnArtifact, kLimit.
Verified verify_tflite(std::span<const std::byte> file, const std::string& name, int frames = 0);

}  // namespace nampedal::litert
