// A stage between two threads, for ThreadSanitizer: one plays it through JackCallback::process, the other switches its
// chains, sets and collects them, mutes, listens, and reads meters, as the pedal does.
//
//   stage_race_probe            prints "blocks N collected N frames N midi N"
//   stage_race_probe --plant    with a race: a parameter is set by the other thread, past the queue of commands
#include <atomic>
#include <cstdio>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "dsp/rt/level.h"
#include "dsp/rt/tone.h"
#include "dsp/setup/errors.h"
#include "dsp/setup/isa.h"
#include "dsp/setup/prepared_stage.h"
#include "jack/callback.h"

using namespace nampedal;

namespace {

constexpr double kRate = 48'000.0;
constexpr int kFrames = 64;
constexpr int kTurns = 60;
constexpr std::size_t kTapRows = 512;

// Ports are their own buffers; each period brings one message of MIDI.
void* buffer_of(void* port, std::uint32_t) { return port; }
std::uint32_t one_event(void*) { return 1; }
int note(JackCallback::MidiEvent* event, void*, std::uint32_t) {
  static const std::uint8_t kNote[] = {0x90, 60, 100};
  *event = {.frame = 0, .size = sizeof kNote, .data = kNote};
  return 0;
}

std::shared_ptr<PreparedChain> make_chain(int channels) {
  auto chain = std::make_shared<PreparedChain>(kRate, kFrames, channels, choose_kernels("scalar"));
  chain->add_gain(0.5f);
  chain->add_gate({.threshold = 0.01f, .hysteresis = 0.5f, .attack_s = 0.001, .hold_s = 0.05, .release_s = 0.1});
  chain->add_tone();
  const std::vector<float> taps(300, 0.01f);
  chain->add_cabinet(taps);
  chain->reset();
  return chain;
}

void wait_for_blocks(const Stage& stage, std::uint64_t count) {
  for (const std::uint64_t end = stage.blocks() + count; stage.blocks() < end;) std::this_thread::yield();
}

}  // namespace

int main(int count, char** arguments) try {
  const bool plant = count == 2 && std::strcmp(arguments[1], "--plant") == 0;
  constexpr int kChannels = 2;
  // Neither is on the stack, where clang 14 takes arrays for memory that no other thread has.
  const auto shared = std::make_unique<PreparedStage>(kRate, kFrames, kChannels);
  PreparedStage& prepared = *shared;
  Stage& stage = prepared.stage();
  std::vector<float> in(kFrames, 0.3f);
  std::vector<float> outs[2] = {in, in};
  JackCallback::Ports ports;
  ports.get_buffer = buffer_of;
  for (void*& port : ports.ins) port = in.data();
  for (int out = 0; out < 2; ++out) ports.outs[out] = outs[out].data();
  const auto shared_callback = std::make_unique<JackCallback>(stage, kFrames, kRate, ports);
  JackCallback& callback = *shared_callback;
  callback.listen_to_midi(in.data(), one_event, note);

  std::atomic<bool> over{false};
  std::thread audio([&] {
    while (!over) JackCallback::process(kFrames, &callback);
  });
  std::size_t frames = 0;
  std::size_t midi = 0;
  std::size_t collected = 0;
  std::vector<float> rows(kTapRows * 2 * kChannels);
  std::shared_ptr<PreparedChain> chain;
  for (int turn = 0; turn < kTurns; ++turn) {
    chain = make_chain(kChannels);
    prepared.go_to(chain, turn % 3 == 0, 0.002);
    if (turn % 2 == 1) prepared.go_to(make_chain(kChannels), false, 0.002);
    for (int link = 0; link < chain->links(); ++link) prepared.set_heard(*chain, link, turn % 4 != 0);
    prepared.set(*chain, 0, Gain::kFactor, 0.25f);
    prepared.set(*chain, 2, Tone::kBass, static_cast<float>(turn));
    prepared.mute(turn % 5 == 0);
    stage.set_tapped(turn % 6 != 5);
    wait_for_blocks(stage, 4);
    frames += stage.tap().take(rows.data(), kTapRows);
    for (MidiMessage message; callback.midi.take(message);) ++midi;
    stage.take_input_peak();
    stage.take_output_peak();
    callback.load.take_worst();
    chain->take_peak(0);
    chain->faults(-1);
    const std::size_t before = prepared.collect();
    // Last before the wait: nothing of ours that a queue orders comes between it and the blocks that read it.
    if (plant) chain->chain().set(0, Gain::kFactor, 0.75f);
    wait_for_blocks(stage, 4);
    collected += before - prepared.collect();
  }
  over = true;
  audio.join();
  std::printf("blocks %llu collected %zu frames %zu midi %zu\n", static_cast<unsigned long long>(stage.blocks()),
              collected, frames, midi);
  return 0;
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 2;
}
