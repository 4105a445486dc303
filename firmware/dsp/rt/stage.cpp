#include "dsp/rt/stage.h"

#include <cmath>
#include <cstring>

namespace nampedal {

namespace {

// The same signals from a later frame on.
template <class Sample>
struct Later {
  Later(Sample* const* signals, int channels, int frame) noexcept {
    for (int c = 0; c < channels; ++c) at[c] = signals[c] + frame;
  }
  Sample* at[kMaxAudioChannels] = {};
};

void keep_peak(std::atomic<float>& peak, Ins audio, int channels, int frames) noexcept {
  float largest = peak.load(std::memory_order_relaxed);
  for (int c = 0; c < channels; ++c) {
    for (int f = 0; f < frames; ++f) {
      const float size = std::fabs(audio[c][f]);
      if (size > largest) largest = size;
    }
  }
  peak.store(largest, std::memory_order_relaxed);
}

}  // namespace

Stage::Stage(int channels, int mute_frames, const StageMemory& memory) noexcept
    : channels_(channels), mute_frames_(mute_frames), memory_(memory), tap_(memory.tap, channels, memory.tap_frames) {
  sound_.jump(1.0f);
}

void Stage::process(Ins in, Outs out, int frames) noexcept {
  obey();
  const Ins heard = sounds_of(in, frames);
  keep_peak(input_peak_, heard, channels_, frames);
  const int done = switching_ ? fade(in, out, frames) : 0;
  if (done < frames) play(current_, Later(in, channels_, done).at, Later(out, channels_, done).at, frames - done);
  mute(out, frames);
  keep_peak(output_peak_, out, channels_, frames);
  if (tapped()) tap_.put(heard, out, frames);
  switching_now_.store(switching_, std::memory_order_relaxed);
  blocks_.store(blocks_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
}

// What meters and listeners get: what came in, with silence for what is no sound. Chains do that, and count it,
// themselves.
Ins Stage::sounds_of(Ins in, int frames) noexcept {
  bool clean = true;
  for (int c = 0; c < channels_; ++c) clean = clean && is_sound(in[c], frames);
  if (clean) return in;
  for (int c = 0; c < channels_; ++c) {
    for (int f = 0; f < frames; ++f) memory_.sounds[c][f] = is_sound(in[c] + f, 1) ? in[c][f] : 0.0f;
  }
  return memory_.sounds;
}

void Stage::play(Chain* chain, Ins in, Outs out, int frames) noexcept {
  if (chain != nullptr) {
    chain->process(in, out, frames);
    return;
  }
  for (int c = 0; c < channels_; ++c) std::memset(out[c], 0, sizeof(float) * static_cast<std::size_t>(frames));
}

void Stage::mute(Outs out, int frames) noexcept {
  for (int f = 0; f < frames && (sound_.moving() || sound_.value() != 1.0f); ++f) {
    const float share = sound_.next();
    for (int c = 0; c < channels_; ++c) out[c][f] *= share;
  }
}

void Stage::obey() noexcept {
  Command command;
  for (std::size_t n = 0; n < kWaiting && commands_.take(command); ++n) {
    switch (command.kind) {
      case Command::Kind::kCrossfade:
      case Command::Kind::kDip: go_to(command); break;
      case Command::Kind::kSet: command.chain->set(command.link, command.parameter, command.value); break;
      case Command::Kind::kHeard: command.chain->set_heard(command.link, command.value != 0.0f); break;
      case Command::Kind::kMute: sound_.aim(command.value != 0.0f ? 0.0f : 1.0f, mute_frames_); break;
    }
  }
}

// One switch at a time; of those that come meanwhile the last one counts.
void Stage::go_to(const Command& command) noexcept {
  if (!switching_) {
    begin(command);
    return;
  }
  if (next_waits_) retire(next_.chain);
  next_ = command;
  next_waits_ = true;
}

void Stage::begin(const Command& command) noexcept {
  switch_ = command;
  before_ = current_;
  current_ = command.chain;
  faded_ = 0;
  switching_ = true;
}

// Returns how many frames it played.
int Stage::fade(Ins in, Outs out, int frames) noexcept {
  int done = 0;
  while (switching_ && done < frames) {
    const bool dips = switch_.kind == Command::Kind::kDip;
    const int half = switch_.frames;
    const int end = dips && faded_ >= half ? 2 * half : half;
    const int now = end - faded_ < frames - done ? end - faded_ : frames - done;
    if (now > 0) {
      const Later now_in(in, channels_, done);
      const Later now_out(out, channels_, done);
      if (dips) {
        dip(now_in.at, now_out.at, now);
      } else {
        crossfade(now_in.at, now_out.at, now);
      }
    }
    faded_ += now;
    done += now;
    if (faded_ < (dips ? 2 * half : half)) continue;
    switching_ = false;
    retire(before_);
    before_ = nullptr;
    if (next_waits_) {
      next_waits_ = false;
      begin(next_);
    }
  }
  return done;
}

void Stage::crossfade(Ins in, Outs out, int frames) noexcept {
  play(before_, in, memory_.scratch, frames);
  play(current_, in, out, frames);
  for (int f = 0; f < frames; ++f) {
    const float share = share_of_new(faded_ + f);
    for (int c = 0; c < channels_; ++c) out[c][f] = memory_.scratch[c][f] + share * (out[c][f] - memory_.scratch[c][f]);
  }
}

void Stage::dip(Ins in, Outs out, int frames) noexcept {
  const bool out_going = faded_ < switch_.frames;
  play(out_going ? before_ : current_, in, out, frames);
  const int from = out_going ? faded_ : faded_ - switch_.frames;
  for (int f = 0; f < frames; ++f) {
    const float of_new = share_of_new(from + f);
    const float share = out_going ? 1.0f - of_new : of_new;
    for (int c = 0; c < channels_; ++c) out[c][f] *= share;
  }
}

// From 0 to 1 with a slope of 0 at either end.
float Stage::share_of_new(int frame) const noexcept {
  const float t = (static_cast<float>(frame) + 0.5f) / static_cast<float>(switch_.frames);
  return t * t * (3.0f - 2.0f * t);
}

// There is room: no more chains can be on their way than commands.
void Stage::retire(Chain* chain) noexcept {
  if (chain != nullptr) retired_.put(chain);
}

Chain* Stage::take_retired() noexcept {
  Chain* chain = nullptr;
  return retired_.take(chain) ? chain : nullptr;
}

}  // namespace nampedal
