// What JACK calls every period. JACK's functions come as addresses: who owns the client has loaded its library.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "../dsp/rt/stage.h"

namespace nampedal {

// How long blocks took, in parts of their period. Written by the audio thread alone.
class Load {
 public:
  static constexpr int kBins = 160;
  static constexpr int kBinsOfPeriod = 40;  // a bin: 2.5 % of the period; the last: whatever is longer

  void count(std::uint64_t took_ns, std::uint64_t period_ns) noexcept;
  std::uint32_t bin(int index) const noexcept { return bins_[index].load(std::memory_order_relaxed); }
  // Parts of the period, the longest since it was last asked for.
  float take_worst() noexcept { return worst_.exchange(0.0f, std::memory_order_relaxed); }

 private:
  std::atomic<std::uint32_t> bins_[kBins] = {};
  std::atomic<float> worst_{0.0f};
};

// A channel message of MIDI.
struct MidiMessage {
  std::uint8_t bytes[3] = {};
  std::uint8_t size = 0;
};

class JackCallback {
 public:
  static constexpr int kOuts = 2;
  using PortGetBuffer = void* (*)(void* port, std::uint32_t frames);
  // JACK's jack_midi_event_t, jack_midi_get_event_count() and jack_midi_event_get() (jack/midiport.h).
  struct MidiEvent {
    std::uint32_t frame;
    std::size_t size;
    const std::uint8_t* data;
  };
  using MidiGetEventCount = std::uint32_t (*)(void* buffer);
  using MidiEventGet = int (*)(MidiEvent* event, void* buffer, std::uint32_t index);

  // A JackProcessCallback; `self` is its argument.
  static int process(std::uint32_t frames, void* self) noexcept;

  Stage* stage = nullptr;
  int max_frames = 0;
  double sample_rate = 0.0;
  PortGetBuffer port_get_buffer = nullptr;
  // Of the stage's channels; one channel is heard from both outputs.
  void* ins[kMostChannels] = {};
  void* outs[kOuts] = {};
  Load load;
  // nullptr: no MIDI.
  void* midi_in = nullptr;
  MidiGetEventCount midi_get_event_count = nullptr;
  MidiEventGet midi_event_get = nullptr;
  // What came in. System messages are left out; what nobody takes in time is lost.
  Queue<MidiMessage, 1024> midi;
  // Every block takes at least so long: overload on request, to see what becomes of it. At most kMostBurnNs.
  std::atomic<std::uint32_t> burn_ns{0};
  static constexpr std::uint32_t kMostBurnNs = 100'000'000;

 private:
  void play(std::uint32_t frames) noexcept;
  void hear_midi(std::uint32_t frames) noexcept;
};

}  // namespace nampedal
