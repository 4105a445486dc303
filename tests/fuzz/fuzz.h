// What the C++ fuzzers share. An input is kOptionBytes that say how it is played, then a .stomp artifact.
//
// Built with libFuzzer by `make fuzz`; with replay.cpp, which needs no clang, by `make test`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed);
// libFuzzer's own mutations, or replay.cpp's.
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

namespace fuzz {

inline constexpr std::size_t kOptionBytes = 8;

// How many inputs the loader has refused, and how many were played.
inline long refused = 0;
inline long played = 0;

// Ends the program: what must never happen has happened.
[[noreturn]] void fault(const std::string& what);

// That a refusal is one line of printable characters that begins with the name of what was refused.
void check_message(const std::string& text, const std::string& name);

// Frames from `low` dBFS up, with silence and full scale in between; seed: of the noise.
std::vector<float> test_signal(std::size_t samples, unsigned seed);

// A fault, `what`, unless they have the same bits, or are no numbers both: which NaN comes out is no promise.
void check_same(std::span<const float> one, std::span<const float> other, const std::string& what);

// Lengths of blocks that add up to `frames`, none above `most`; which: 0 has the longest ones.
std::vector<int> cuts(int frames, int most, unsigned which);

}  // namespace fuzz
