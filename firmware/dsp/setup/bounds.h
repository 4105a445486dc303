// What the engine takes. Generous against every capture seen, small against a file made to hurt.
#pragma once

#include <cstddef>
#include <cstdint>

namespace nampedal {

inline constexpr std::uint32_t kFormatVersion = 2;
inline constexpr std::size_t kMaxFileBytes = std::size_t{64} << 20;
inline constexpr std::size_t kMaxMemoryBytes = std::size_t{64} << 20;  // of one prepared model
inline constexpr std::uint32_t kMaxChannels = 1024;
inline constexpr std::uint32_t kMaxLookback = 1u << 20;  // frames of one convolution
inline constexpr std::uint32_t kMaxLayers = 1024;        // of one array, stack or list
inline constexpr std::uint32_t kMaxTiers = 64;
inline constexpr int kMaxNesting = 4;  // condition networks within one another
inline constexpr std::uint32_t kMaxGoldenFrames = 1u << 20;
inline constexpr int kMaxFrames = 8192;
inline constexpr std::size_t kMaxTaps = std::size_t{1} << 16;  // of a cabinet
inline constexpr double kMinSampleRate = 8'000.0;
inline constexpr double kMaxSampleRate = 768'000.0;

}  // namespace nampedal
