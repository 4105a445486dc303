#include "bindings/pedal.h"

#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "dsp/rt/amp.h"
#include "dsp/rt/cabinet.h"
#include "dsp/rt/level.h"
#include "dsp/rt/noise_gate.h"
#include "dsp/rt/tone.h"
#include "dsp/setup/prepared_stage.h"
#include "jack/callback.h"
#include "litert/litert_model.h"

namespace nb = nanobind;

namespace nampedal {

namespace {

using InAudio = nb::ndarray<const float, nb::c_contig, nb::device::cpu>;
using OutAudio = nb::ndarray<float, nb::c_contig, nb::device::cpu>;
using InTaps = nb::ndarray<const float, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using OutRows = nb::ndarray<float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

// (frames,) of one channel, or (channels, frames).
template <class Array>
bool has_channels(const Array& audio, int channels) {
  if (audio.ndim() == 1) return channels == 1;
  return audio.ndim() == 2 && audio.shape(0) == static_cast<std::size_t>(channels);
}

// Blocks of up to max_frames, one after another.
template <class Play>
void in_blocks(const InAudio& in, const OutAudio& out, int channels, int max_frames, const Play& play) {
  if (!has_channels(in, channels) || !has_channels(out, channels)) {
    throw nb::value_error("in or out has another number of channels");
  }
  const std::size_t frames = in.shape(in.ndim() - 1);
  if (frames != out.shape(out.ndim() - 1)) throw nb::value_error("in and out differ in length");
  const nb::gil_scoped_release release;
  const std::size_t most = static_cast<std::size_t>(max_frames);
  for (std::size_t done = 0; done < frames; done += most) {
    const float* from[kMaxAudioChannels] = {};
    float* to[kMaxAudioChannels] = {};
    for (int c = 0; c < channels; ++c) {
      const std::size_t at = static_cast<std::size_t>(c) * frames + done;
      from[c] = in.data() + at;
      to[c] = out.data() + at;
    }
    const std::size_t left = frames - done;
    play(from, to, static_cast<int>(left < most ? left : most));
  }
}

void bind_parameters(nb::module_& m) {
  m.attr("GAIN_FACTOR") = static_cast<int>(Gain::kFactor);
  m.attr("GATE_THRESHOLD") = static_cast<int>(NoiseGate::kThreshold);
  m.attr("TONE_BASS") = static_cast<int>(Tone::kBass);
  m.attr("TONE_MID") = static_cast<int>(Tone::kMid);
  m.attr("TONE_TREBLE") = static_cast<int>(Tone::kTreble);
  m.attr("TONE_LOW_CUT") = static_cast<int>(Tone::kLowCut);
  m.attr("TONE_HIGH_CUT") = static_cast<int>(Tone::kHighCut);
  m.attr("CABINET_TAIL") = static_cast<int>(Cabinet::kTail);
  m.attr("AMP_TIER") = static_cast<int>(Amp::kTier);
  m.attr("MAX_TAPS") = kMaxTaps;
}

void bind_chain(nb::module_& m) {
  nb::class_<PreparedChain>(m, "Chain")
      .def(
          "__init__",
          [](PreparedChain* self, double sample_rate, int max_frames, const std::string& isa, int channels) {
            new (self) PreparedChain(sample_rate, max_frames, channels, choose_kernels(isa));
          },
          nb::arg("sample_rate"), nb::arg("max_frames"), nb::arg("isa"), nb::arg("channels") = 1)
      .def("add_gain", &PreparedChain::add_gain, nb::arg("factor"))
      .def("add_ceiling", &PreparedChain::add_ceiling)
      .def(
          "add_gate",
          [](PreparedChain& chain, float threshold, float hysteresis, double attack_s, double hold_s,
             double release_s) {
            return chain.add_gate({.threshold = threshold,
                                   .hysteresis = hysteresis,
                                   .attack_s = attack_s,
                                   .hold_s = hold_s,
                                   .release_s = release_s});
          },
          nb::arg("threshold"), nb::arg("hysteresis"), nb::arg("attack_s"), nb::arg("hold_s"), nb::arg("release_s"))
      .def("add_tone", &PreparedChain::add_tone)
      .def(
          "add_cabinet",
          [](PreparedChain& chain, const InTaps& taps) { return chain.add_cabinet({taps.data(), taps.shape(0)}); },
          nb::arg("taps"))
      .def(
          "add_amp",
          [](PreparedChain& chain, const Artifact& artifact, bool exact) {
            const nb::gil_scoped_release release;
            return chain.add_amp(artifact, exact ? Accuracy::kExact : Accuracy::kFast);
          },
          nb::arg("artifact"), nb::arg("exact"))
      .def(
          "add_litert",
          [](PreparedChain& chain, const nb::bytes& data, std::string name, std::string library,
             std::optional<int> frames, int prewarm_frames, double sample_rate) {
            const std::span file{reinterpret_cast<const std::byte*>(data.c_str()), data.size()};
            const LiteRtPreparation preparation{
                .library = std::move(library), .name = name, .frames = frames, .prewarm_frames = prewarm_frames};
            const nb::gil_scoped_release release;
            return chain.add_player(name, sample_rate,
                                    [&] { return std::make_shared<LiteRtModel>(file, preparation); });
          },
          nb::arg("data"), nb::arg("name"), nb::arg("library"), nb::arg("frames").none(), nb::arg("prewarm_frames"),
          nb::arg("sample_rate"))
      .def("add_dc_blocker", &PreparedChain::add_dc_blocker)
      .def_prop_ro("faults",
                   [](const PreparedChain& chain) {
                     std::vector<std::uint32_t> faults;
                     for (int link = 0; link < chain.links(); ++link) faults.push_back(chain.faults(link));
                     return faults;
                   })
      .def_prop_ro("input_faults", [](const PreparedChain& chain) { return chain.faults(-1); })
      .def("take_peaks",
           [](PreparedChain& chain) {
             std::vector<float> peaks;
             for (int link = 0; link < chain.links(); ++link) peaks.push_back(chain.take_peak(link));
             return peaks;
           })
      .def("reset", &PreparedChain::reset, nb::call_guard<nb::gil_scoped_release>())
      .def(
          "set",
          [](PreparedChain& chain, int link, int parameter, float value) { chain.chain().set(link, parameter, value); },
          nb::arg("link"), nb::arg("parameter"), nb::arg("value"))
      .def(
          "set_heard", [](PreparedChain& chain, int link, bool heard) { chain.chain().set_heard(link, heard); },
          nb::arg("link"), nb::arg("heard"))
      .def(
          "process",
          [](PreparedChain& chain, const InAudio& in, const OutAudio& out) {
            in_blocks(in, out, chain.channels(), chain.max_frames(),
                      [&](Ins from, Outs to, int frames) { chain.chain().process(from, to, frames); });
          },
          nb::arg("audio"), nb::arg("out"))
      .def_prop_ro("links", &PreparedChain::links)
      .def_prop_ro("channels", &PreparedChain::channels)
      .def_prop_ro("latency_frames", &PreparedChain::latency_frames)
      .def_prop_ro("memory_bytes", &PreparedChain::memory_bytes);
}

void bind_stage(nb::module_& m) {
  nb::class_<PreparedStage>(m, "Stage")
      .def(nb::init<double, int, int>(), nb::arg("sample_rate"), nb::arg("max_frames"), nb::arg("channels") = 1)
      .def("go_to", &PreparedStage::go_to, nb::arg("chain"), nb::arg("dip"), nb::arg("seconds"))
      .def("set", &PreparedStage::set, nb::arg("chain"), nb::arg("link"), nb::arg("parameter"), nb::arg("value"))
      .def("set_heard", &PreparedStage::set_heard, nb::arg("chain"), nb::arg("link"), nb::arg("heard"))
      .def("has", &PreparedStage::has, nb::arg("chain"))
      .def("mute", &PreparedStage::mute, nb::arg("on"))
      .def("collect", &PreparedStage::collect)
      .def("take_input_peak", [](PreparedStage& stage) { return stage.stage().take_input_peak(); })
      .def("take_output_peak", [](PreparedStage& stage) { return stage.stage().take_output_peak(); })
      .def_prop_ro("blocks", [](PreparedStage& stage) { return stage.stage().blocks(); })
      .def_prop_ro("switching", [](PreparedStage& stage) { return stage.stage().switching(); })
      .def_prop_rw(
          "tapped", [](PreparedStage& stage) { return stage.stage().tapped(); },
          [](PreparedStage& stage, bool on) { stage.stage().set_tapped(on); })
      .def("take_tap",
           [](PreparedStage& stage, const OutRows& out) {
             if (out.shape(1) != static_cast<std::size_t>(stage.stage().tap().width())) {
               throw nb::value_error("out has another number of columns than twice the channels");
             }
             return stage.stage().tap().take(out.data(), out.shape(0));
           })
      .def_prop_ro("dropped", [](PreparedStage& stage) { return stage.stage().tap().dropped(); })
      .def(
          "process",
          [](PreparedStage& stage, const InAudio& in, const OutAudio& out) {
            in_blocks(in, out, stage.stage().channels(), stage.max_frames(),
                      [&](Ins from, Outs to, int frames) { stage.stage().process(from, to, frames); });
          },
          nb::arg("audio"), nb::arg("out"));
}

void bind_jack(nb::module_& m) {
  m.attr("LOAD_BINS_OF_PERIOD") = Load::kBinsOfPeriod;

  nb::class_<JackCallback>(m, "JackCallback")
      .def(
          "__init__",
          [](JackCallback* self, PreparedStage& stage, std::uintptr_t port_get_buffer,
             const std::vector<std::uintptr_t>& ins, const std::vector<std::uintptr_t>& outs) {
            if (ins.size() != static_cast<std::size_t>(stage.stage().channels()) ||
                outs.size() != JackCallback::kOuts) {
              throw nb::value_error("a port for each channel, and two outputs are needed");
            }
            JackCallback::Ports ports;
            ports.get_buffer = reinterpret_cast<JackCallback::PortGetBuffer>(port_get_buffer);
            for (std::size_t c = 0; c < ins.size(); ++c) ports.ins[c] = reinterpret_cast<void*>(ins[c]);
            for (std::size_t o = 0; o < outs.size(); ++o) ports.outs[o] = reinterpret_cast<void*>(outs[o]);
            new (self) JackCallback(stage.stage(), stage.max_frames(), stage.sample_rate(), ports);
          },
          nb::arg("stage"), nb::arg("port_get_buffer"), nb::arg("ins"), nb::arg("outs"), nb::keep_alive<1, 2>())
      // What jack_set_process_callback() takes: the function and its argument.
      .def_prop_ro("addresses",
                   [](JackCallback& callback) {
                     return std::pair(reinterpret_cast<std::uintptr_t>(&JackCallback::process),
                                      reinterpret_cast<std::uintptr_t>(&callback));
                   })
      .def_prop_ro("load_bins",
                   [](JackCallback& callback) {
                     std::vector<std::uint32_t> bins;
                     for (int bin = 0; bin < Load::kBins; ++bin) bins.push_back(callback.load.bin(bin));
                     return bins;
                   })
      .def(
          "listen_to_midi",
          [](JackCallback& callback, std::uintptr_t midi_get_event_count, std::uintptr_t midi_event_get,
             std::uintptr_t port) {
            callback.listen_to_midi(reinterpret_cast<void*>(port),
                                    reinterpret_cast<JackCallback::MidiGetEventCount>(midi_get_event_count),
                                    reinterpret_cast<JackCallback::MidiEventGet>(midi_event_get));
          },
          nb::arg("midi_get_event_count"), nb::arg("midi_event_get"), nb::arg("port"))
      .def("take_midi",
           [](JackCallback& callback) {
             std::vector<nb::bytes> messages;
             MidiMessage message;
             while (callback.midi.take(message)) messages.emplace_back(message.bytes, message.size);
             return messages;
           })
      .def("take_worst", [](JackCallback& callback) { return callback.load.take_worst(); });
}

}  // namespace

void bind_pedal(nb::module_& m) {
  bind_parameters(m);
  bind_chain(m);
  bind_stage(m);
  bind_jack(m);
}

}  // namespace nampedal
