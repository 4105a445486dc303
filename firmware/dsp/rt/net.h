// What every architecture offers the model that owns it.
#pragma once

namespace nampedal {

class BlockWork;

enum class Pass {
  kPlay,
  kSettle  // one frame of silence: every past becomes what endless silence would have left there
};

class Net {
 public:
  // in: [frame][in_channels], out: [frame][out_channels], 1 <= frames <= the prepared maximum.
  virtual void process(const float* in, float* out, int frames, Pass pass) noexcept = 0;

  // Back to the state before the first frame.
  virtual void clear() noexcept = 0;

  // Tells what process() does outside of kernels, of one block. Not for the audio thread.
  virtual void tell_work(BlockWork& work) const = 0;

 protected:
  Net() = default;
  Net(const Net&) = default;
  Net(Net&&) = default;
  Net& operator=(const Net&) = default;
  Net& operator=(Net&&) = default;
  // Owned and deleted by its concrete type, in setup/: the real-time side refers to no operator delete.
  ~Net() = default;
};

}  // namespace nampedal
