// What JACK calls every period. JACK's functions come as addresses: who owns the client has loaded its library.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "dsp/rt/stage.h"

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

// Plays a stage to JACK. The stage, and what the ports' addresses are of, outlive it.
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

  struct Ports {
    PortGetBuffer get_buffer = nullptr;
    // Of the stage's channels; one channel is heard from both outputs.
    void* ins[kMaxAudioChannels] = {};
    void* outs[kOuts] = {};
  };

  // max_frames and sample_rate: what the stage was prepared for.
  // Here, and not in callback.cpp, since it takes memory: objects of the real-time side refer to no operator new.
  JackCallback(Stage& stage, int max_frames, double sample_rate, const Ports& ports)
      : stage_(stage),
        max_frames_(static_cast<std::uint32_t>(max_frames)),
        sample_rate_(sample_rate),
        ports_(ports),
        played_(std::make_unique<float[]>(static_cast<std::size_t>(kMaxAudioChannels) * max_frames_)) {}

  // Before JACK calls process() for the first time.
  void listen_to_midi(void* port, MidiGetEventCount get_event_count, MidiEventGet event_get) noexcept {
    midi_get_event_count_ = get_event_count;
    midi_event_get_ = event_get;
    midi_in_ = port;
  }

  // A JackProcessCallback; `self` is its argument.
  static int process(std::uint32_t frames, void* self) noexcept;

  Load load;
  // Notes, control changes and program changes that came in; what nobody takes in time is lost. Pressure and pitch bend
  // come by the hundred while a key is held, and would take the place of others.
  Queue<MidiMessage, 1024> midi;

 private:
  void play(std::uint32_t frames) noexcept;
  void read_midi(std::uint32_t frames) noexcept;

  Stage& stage_;
  const std::uint32_t max_frames_;
  const double sample_rate_;
  const Ports ports_;
  // What a block is played into, (kMaxAudioChannels, max_frames). JACK's own buffers get what is finished alone: where
  // we are late, the next cycle's readers see them as they are (JACK2 is asynchronous unless jackd has -S).
  std::unique_ptr<float[]> played_;
  void* midi_in_ = nullptr;  // nullptr: no MIDI
  MidiGetEventCount midi_get_event_count_ = nullptr;
  MidiEventGet midi_event_get_ = nullptr;
};

}  // namespace nampedal
