// Something prepared that plays audio block by block, whichever engine is behind it.
#pragma once

#include <cstddef>

namespace nampedal {

class Player {
 public:
  // in: [frame][in_channels], out: [frame][out_channels], min_frames <= frames <= max_frames; out may not overlap in.
  virtual void process(const float* in, float* out, int frames) noexcept = 0;

  // To the steady state of endless silence; takes a bounded time.
  virtual void reset() noexcept = 0;

  // The first output channel of that steady state, once it was reset.
  virtual float rest() const noexcept = 0;

  virtual int in_channels() const noexcept = 0;
  virtual int out_channels() const noexcept = 0;
  virtual int min_frames() const noexcept = 0;
  virtual int max_frames() const noexcept = 0;
  // What does the arithmetic: the name of a set of kernels, or of a library and its version.
  virtual const char* isa() const noexcept = 0;
  virtual std::size_t memory_bytes() const noexcept = 0;

 protected:
  Player() = default;
  Player(const Player&) = default;
  Player(Player&&) = default;
  Player& operator=(const Player&) = default;
  Player& operator=(Player&&) = default;
  // Owned and deleted by its concrete type: the real-time side refers to no operator delete.
  ~Player() = default;
};

}  // namespace nampedal
