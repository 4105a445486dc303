#include "callback.h"

#include <cstring>
#include <ctime>

namespace nampedal {

namespace {

std::uint64_t now_ns() noexcept {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(now.tv_nsec);
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

void JackCallback::hear_midi(std::uint32_t frames) noexcept {
  // Of a channel's messages the first byte is 0x80 to 0xef.
  constexpr std::uint8_t kFirst = 0x80, kLast = 0xef;
  // More than a cable carries in a second.
  constexpr std::uint32_t kMost = 1024;
  void* buffer = port_get_buffer(midi_in, frames);
  const std::uint32_t there = midi_get_event_count(buffer);
  const std::uint32_t count = there < kMost ? there : kMost;
  for (std::uint32_t n = 0; n < count; ++n) {
    MidiEvent event{};
    if (midi_event_get(&event, buffer, n) != 0) continue;
    if (event.size < 2 || event.size > 3 || event.data[0] < kFirst || event.data[0] > kLast) continue;
    MidiMessage message;
    message.size = static_cast<std::uint8_t>(event.size);
    std::memcpy(message.bytes, event.data, event.size);
    midi.put(message);
  }
}

void JackCallback::play(std::uint32_t frames) noexcept {
  const std::uint64_t before = now_ns();
  if (midi_in != nullptr) hear_midi(frames);
  const int channels = stage->channels;
  const float* heard[kMostChannels] = {};
  float* played[kOuts] = {};
  for (int c = 0; c < channels; ++c) heard[c] = static_cast<const float*>(port_get_buffer(ins[c], frames));
  for (int o = 0; o < kOuts; ++o) played[o] = static_cast<float*>(port_get_buffer(outs[o], frames));
  // A server that has grown its periods is played to in pieces, until new chains are prepared.
  for (std::uint32_t done = 0; done < frames;) {
    const auto most = static_cast<std::uint32_t>(max_frames);
    const std::uint32_t now = frames - done < most ? frames - done : most;
    const float* in[kMostChannels] = {};
    float* out[kMostChannels] = {};
    for (int c = 0; c < channels; ++c) {
      in[c] = heard[c] + done;
      out[c] = played[c] + done;
    }
    stage->process(in, out, static_cast<int>(now));
    done += now;
  }
  for (int o = channels; o < kOuts; ++o) std::memcpy(played[o], played[0], sizeof(float) * frames);
  const std::uint32_t asked = burn_ns.load(std::memory_order_relaxed);
  const std::uint64_t least = asked < kMostBurnNs ? asked : kMostBurnNs;
  while (now_ns() - before < least) {
  }
  load.count(now_ns() - before, static_cast<std::uint64_t>(1e9 * frames / sample_rate));
}

}  // namespace nampedal
