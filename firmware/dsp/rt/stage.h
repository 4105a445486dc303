// Where chains take turns: what plays, what comes next, and how one becomes the other.
#pragma once

#include <atomic>
#include <cstdint>

#include "dsp/rt/chain.h"
#include "dsp/rt/queue.h"
#include "dsp/rt/smoothed.h"

namespace nampedal {

struct Command {
  enum class Kind {
    kCrossfade,  // to `chain`: both play for `frames`
    kDip,        // to `chain`: the one fades out, then the other in, `frames` each
    kSet,        // `parameter` of a link of `chain` goes to `value`
    kHeard,      // whether a link of `chain` is heard: `value` is not 0
    kMute        // `value` is not 0
  };
  Kind kind = Kind::kSet;
  Chain* chain = nullptr;
  int link = 0;
  int parameter = 0;
  float value = 0.0f;
  int frames = 0;
};

// What a stage plays in: memory of whoever makes it, which outlives it. frames: the most of a block.
struct StageMemory {
  float* scratch[kMaxAudioChannels] = {};  // of each channel that is played, (frames,)
  float* sounds[kMaxAudioChannels] = {};   // alike
  float* tap = nullptr;                    // (tap_frames, 2 * channels)
  std::size_t tap_frames = 0;              // a power of two
};

// process() belongs to the audio thread; everything else to one other thread.
class Stage {
 public:
  // Heard, and empty. mute_frames: how long muting takes.
  Stage(int channels, int mute_frames, const StageMemory& memory) noexcept;
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  // in and out: (channels, frames), different; 1 <= frames <= what all chains were prepared for. Silence while there is
  // no chain.
  void process(Ins in, Outs out, int frames) noexcept;

  // False: too many are waiting; nothing was done.
  bool post(const Command& command) noexcept { return commands_.put(command); }

  // The next chain that will never be touched again; nullptr: none.
  Chain* take_retired() noexcept;

  // The largest sample of all channels since it was last asked for.
  float take_input_peak() noexcept { return input_peak_.exchange(0.0f, std::memory_order_relaxed); }
  float take_output_peak() noexcept { return output_peak_.exchange(0.0f, std::memory_order_relaxed); }
  // Blocks played to the end. What was posted before a block began is done when it ends.
  std::uint64_t blocks() const noexcept { return blocks_.load(std::memory_order_acquire); }
  // Whether one chain is becoming another.
  bool switching() const noexcept { return switching_now_.load(std::memory_order_relaxed); }

  int channels() const noexcept { return channels_; }

  // Input and output of each channel, filled while it is tapped. take() belongs to the other thread, or to a third.
  AudioQueue& tap() noexcept { return tap_; }
  bool tapped() const noexcept { return tapped_.load(std::memory_order_relaxed); }
  void set_tapped(bool on) noexcept { tapped_.store(on, std::memory_order_relaxed); }

 private:
  static constexpr std::size_t kWaiting = 256;

  void obey() noexcept;
  Ins sounds_of(Ins in, int frames) noexcept;
  void go_to(const Command& command) noexcept;
  void retire(Chain* chain) noexcept;
  void begin(const Command& command) noexcept;
  void play(Chain* chain, Ins in, Outs out, int frames) noexcept;
  int fade(Ins in, Outs out, int frames) noexcept;
  void crossfade(Ins in, Outs out, int frames) noexcept;
  void dip(Ins in, Outs out, int frames) noexcept;
  void mute(Outs out, int frames) noexcept;
  float share_of_new(int frame) const noexcept;

  const int channels_;
  const int mute_frames_;
  StageMemory memory_;
  Smoothed sound_;  // 0: mute
  AudioQueue tap_;
  std::atomic<bool> tapped_{false};
  Queue<Command, kWaiting> commands_;
  Queue<Chain*, kWaiting> retired_;
  Chain* current_ = nullptr;
  Chain* before_ = nullptr;  // what fades out
  Command switch_;           // while it goes on
  Command next_;             // what comes after it
  int faded_ = 0;            // frames of the switch that are done
  bool switching_ = false;
  bool next_waits_ = false;
  std::atomic<float> input_peak_{0.0f};
  std::atomic<float> output_peak_{0.0f};
  std::atomic<bool> switching_now_{false};
  std::atomic<std::uint64_t> blocks_{0};
};

}  // namespace nampedal
