// What a chain is made of: a block plays one channel in place. Setup fills in its public members.
#pragma once

namespace nampedal {

class Block {
 public:
  // 1 <= frames <= what it was prepared for. What comes out does not depend on how the audio is cut.
  virtual void process(float* audio, int frames) noexcept = 0;

  // To the steady state of endless silence, with every parameter where it is wanted.
  virtual void reset() noexcept = 0;

  // What it plays of endless silence, once it was reset.
  virtual float rest() const noexcept { return 0.0f; }

  // Parameters are numbered by each block; it goes there smoothly. What a block does not have is ignored.
  virtual void set(int parameter, float value) noexcept = 0;

 protected:
  Block() = default;
  Block(const Block&) = default;
  Block(Block&&) = default;
  Block& operator=(const Block&) = default;
  Block& operator=(Block&&) = default;
  // Owned and deleted by its concrete type, in setup/: the real-time side refers to no operator delete.
  ~Block() = default;
};

}  // namespace nampedal
