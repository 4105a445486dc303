#include "jack/callback.h"

#include <cstring>
#include <ctime>

namespace nampedal {

namespace {

std::uint64_t now_ns() noexcept {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(now.tv_nsec);
}

// Whether a message that begins so is a note's, a control change or a program change.
bool is_wanted(std::uint8_t status) noexcept {
  const int kind = status & 0xf0;
  return kind == 0x80 || kind == 0x90 || kind == 0xb0 || kind == 0xc0;
}

}  // namespace

void Load::count(std::uint64_t took_ns, std::uint64_t period_ns) noexcept {
  if (period_ns == 0) return;
  const std::uint64_t part = took_ns * kBinsOfPeriod / period_ns;
  std::atomic<std::uint32_t>& bin = bins_[part < kBins - 1 ? part : kBins - 1];
  bin.store(bin.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  const float share = static_cast<float>(took_ns) / static_cast<float>(period_ns);
  if (share > worst_.load(std::memory_order_relaxed)) worst_.store(share, std::memory_order_relaxed);
}

int JackCallback::process(std::uint32_t frames, void* self) noexcept {
  static_cast<JackCallback*>(self)->play(frames);
  return 0;
}

void JackCallback::read_midi(std::uint32_t frames) noexcept {
  // More than a cable carries in a second.
  constexpr std::uint32_t kMost = 1024;
  void* buffer = ports_.get_buffer(midi_in_, frames);
  const std::uint32_t there = midi_get_event_count_(buffer);
  const std::uint32_t count = there < kMost ? there : kMost;
  for (std::uint32_t n = 0; n < count; ++n) {
    MidiEvent event{};
    if (midi_event_get_(&event, buffer, n) != 0) continue;
    if (event.size < 2 || event.size > 3 || !is_wanted(event.data[0])) continue;
    MidiMessage message;
    message.size = static_cast<std::uint8_t>(event.size);
    std::memcpy(message.bytes, event.data, event.size);
    midi.put(message);
  }
}

void JackCallback::play(std::uint32_t frames) noexcept {
  const std::uint64_t before = now_ns();
  if (midi_in_ != nullptr) read_midi(frames);
  const int channels = stage_.channels();
  const float* heard[kMaxAudioChannels] = {};
  float* given[kOuts] = {};
  for (int c = 0; c < channels; ++c) heard[c] = static_cast<const float*>(ports_.get_buffer(ports_.ins[c], frames));
  for (int o = 0; o < kOuts; ++o) given[o] = static_cast<float*>(ports_.get_buffer(ports_.outs[o], frames));
  // A server that has grown its periods is played to in pieces, until new chains are prepared.
  for (std::uint32_t done = 0; done < frames;) {
    const std::uint32_t now = frames - done < max_frames_ ? frames - done : max_frames_;
    const float* in[kMaxAudioChannels] = {};
    float* out[kMaxAudioChannels] = {};
    for (int c = 0; c < channels; ++c) {
      in[c] = heard[c] + done;
      out[c] = played_.get() + static_cast<std::size_t>(c) * max_frames_;
    }
    stage_.process(in, out, static_cast<int>(now));
    for (int o = 0; o < kOuts; ++o) {
      std::memcpy(given[o] + done, out[o < channels ? o : 0], sizeof(float) * now);
    }
    done += now;
  }
  load.count(now_ns() - before, static_cast<std::uint64_t>(1e9 * frames / sample_rate_));
}

}  // namespace nampedal
