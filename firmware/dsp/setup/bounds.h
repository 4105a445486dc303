// What the engine takes. Generous against every capture seen, small against a file made to hurt.
#pragma once

#include <cstddef>
#include <cstdint>

namespace nampedal {

// What is read. Written is the oldest that holds what there is: 3 came with networks one behind the other.
inline constexpr std::uint32_t kOldestFormat = 2;
inline constexpr std::uint32_t kSequentialFormat = 3;
inline constexpr std::uint32_t kNewestFormat = kSequentialFormat;
inline constexpr std::size_t kMaxFileBytes = std::size_t{64} << 20;
inline constexpr std::size_t kMaxMemoryBytes = std::size_t{64} << 20;  // of one prepared model
// Of all tiers of an artifact, and of all blocks of a chain: two models of the largest size.
inline constexpr std::size_t kMaxTogetherBytes = 2 * kMaxMemoryBytes;
// Multiply-adds of running a network until it is at rest: some seconds of a Zero 2 W.
inline constexpr std::int64_t kMaxSettlingMacs = 4'000'000'000;
inline constexpr std::uint32_t kMaxChannels = 1024;
inline constexpr std::uint32_t kMaxLookback = 1u << 20;  // frames of one convolution
inline constexpr std::uint32_t kMaxLayers = 1024;        // of one array, stack or list
inline constexpr std::uint32_t kMaxTiers = 64;
inline constexpr int kMaxNesting = 4;                // networks within one another
inline constexpr std::uint32_t kMaxSequential = 64;  // networks one behind the other
inline constexpr std::uint32_t kMaxGoldenFrames = 1u << 20;
inline constexpr std::size_t kMaxTextBytes = std::size_t{64} << 10;     // of a name or a description
inline constexpr std::size_t kMaxMetadataBytes = std::size_t{1} << 20;  // of a capture's own metadata
inline constexpr std::uint32_t kMaxTables = 200'000;                    // of an artifact
inline constexpr int kMaxFrames = 8192;
inline constexpr std::size_t kMaxTaps = std::size_t{1} << 16;  // of a cabinet
inline constexpr double kMinSampleRate = 8'000.0;
inline constexpr double kMaxSampleRate = 768'000.0;

}  // namespace nampedal
