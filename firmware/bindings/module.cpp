// The engine as Python sees it: nampedal.firmware.engine._engine. Only this folder knows Python.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <ctime>

#include "bindings/litert.h"
#include "bindings/pedal.h"
#include "dsp/counting/count_work.h"
#include "dsp/setup/artifact.h"
#include "dsp/setup/bounds.h"
#include "dsp/setup/errors.h"
#include "dsp/setup/model.h"

namespace nb = nanobind;
using namespace nampedal;

namespace {

using InAudio = nb::ndarray<const float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using OutAudio = nb::ndarray<float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

// The Python classes of the engine's mistakes, found when the module is imported: a missing one fails there.
struct Exceptions {
  nb::object argument, artifact, file_access, missing_package, not_an_artifact;

  explicit Exceptions(const nb::module_& errors)
      : argument(errors.attr("ArgumentError")),
        artifact(errors.attr("ArtifactError")),
        file_access(errors.attr("FileAccessError")),
        missing_package(errors.attr("MissingPackageError")),
        not_an_artifact(errors.attr("NotAnArtifactError")) {}

  const nb::object& of(Mistake mistake) const {
    switch (mistake) {
      case Mistake::kUnreadable: return file_access;
      case Mistake::kNotAnArtifact: return not_an_artifact;
      case Mistake::kTier:
      case Mistake::kSampleRate:
      case Mistake::kIsa:
      case Mistake::kBlock: return argument;
      case Mistake::kLiteRtMissing:
      case Mistake::kLiteRtVersion: return missing_package;
      case Mistake::kFormat:
      case Mistake::kChecksum:
      case Mistake::kStructure:
      case Mistake::kValue:
      case Mistake::kLimit:
      case Mistake::kGraph:
      case Mistake::kLiteRtRefused: break;
    }
    return artifact;
  }
};

// Lives as long as the process, like the module: nothing may raise through it after Python has ended.
const Exceptions& exceptions() {
  static const auto* const found = new Exceptions(nb::module_::import_("nampedal.firmware.base.errors"));
  return *found;
}

void translate(const std::exception_ptr& raised, void*) {
  try {
    std::rethrow_exception(raised);
  } catch (const Error& error) {
    PyErr_SetString(exceptions().of(error.mistake()).ptr(), error.what());
  }
}

bool takes(const Player& player, std::size_t frames) {
  return frames >= static_cast<std::size_t>(player.min_frames()) &&
         frames <= static_cast<std::size_t>(player.max_frames());
}

void check_block(const Player& player, const InAudio& in, const OutAudio& out) {
  const auto frames = in.shape(0);
  if (!takes(player, frames) || out.shape(0) != frames ||
      in.shape(1) != static_cast<std::size_t>(player.in_channels()) ||
      out.shape(1) != static_cast<std::size_t>(player.out_channels())) {
    std::string text = "block is (" + std::to_string(frames) + ", " + std::to_string(in.shape(1)) + ") -> (" +
                       std::to_string(out.shape(0)) + ", " + std::to_string(out.shape(1)) + "); prepared for ";
    if (player.min_frames() < player.max_frames()) text += std::to_string(player.min_frames()) + " to ";
    text += std::to_string(player.max_frames()) + " frames of (" + std::to_string(player.in_channels()) + ") -> (" +
            std::to_string(player.out_channels()) + ") channels";
    PyErr_SetString(exceptions().argument.ptr(), text.c_str());
    throw nb::python_error();
  }
}

double seconds(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// CPU seconds of all blocks, and wall seconds of each.
std::pair<double, std::vector<double>> time_blocks(Player& player, const InAudio& audio, int frames) {
  if (!takes(player, static_cast<std::size_t>(frames)) ||
      audio.shape(1) != static_cast<std::size_t>(player.in_channels())) {
    throw nb::value_error("frames or channels are not what the player was prepared for");
  }
  const std::size_t blocks = audio.shape(0) / static_cast<std::size_t>(frames);
  std::vector<double> wall(blocks);
  std::vector<float> out(static_cast<std::size_t>(frames) * static_cast<std::size_t>(player.out_channels()));
  const nb::gil_scoped_release release;
  const float* in = audio.data();
  const double cpu_before = seconds(CLOCK_THREAD_CPUTIME_ID);
  double before = seconds(CLOCK_MONOTONIC);
  for (double& block : wall) {
    player.process(in, out.data(), frames);
    in += static_cast<std::ptrdiff_t>(frames) * player.in_channels();
    const double now = seconds(CLOCK_MONOTONIC);
    block = now - before;
    before = now;
  }
  return {seconds(CLOCK_THREAD_CPUTIME_ID) - cpu_before, std::move(wall)};
}

}  // namespace

NB_MODULE(_engine, m) {
  nb::register_exception_translator(translate);
  exceptions();

  m.def("isas", [] {
    std::vector<std::string> names;
    for (const Kernels* kernels : available_kernels()) names.emplace_back(kernels->name);
    return names;
  });

  nb::dict terms;
  for (const TermText& term : kTerms) terms[term.name] = term.unit;
  m.attr("COST_TERMS") = terms;
  m.attr("COUNTED_ISAS") = counted_isas();
  m.def(
      "count_work",
      [](const Artifact& artifact, int tier, int frames, const std::string& isa) {
        const Counts counts = [&] {
          const nb::gil_scoped_release release;
          return count_work(artifact, tier, frames, isa);
        }();
        return std::vector<double>(counts.begin(), counts.end());
      },
      nb::arg("artifact"), nb::arg("tier"), nb::arg("frames"), nb::arg("isa"));

  m.attr("OLDEST_FORMAT") = kOldestFormat;
  m.attr("SEQUENTIAL_FORMAT") = kSequentialFormat;
  m.attr("MAX_SEQUENTIAL") = kMaxSequential;
  m.attr("MAX_CHANNELS") = kMaxChannels;
  m.attr("MAX_LOOKBACK") = kMaxLookback;
  m.attr("MAX_LAYERS") = kMaxLayers;
  m.attr("MAX_TIERS") = kMaxTiers;
  m.attr("MAX_NESTING") = kMaxNesting;
  m.attr("MAX_FRAMES") = kMaxFrames;
  m.attr("MAX_FILE_BYTES") = kMaxFileBytes;
  m.attr("MIN_SAMPLE_RATE") = kMinSampleRate;
  m.attr("MAX_SAMPLE_RATE") = kMaxSampleRate;

  nb::class_<Artifact>(m, "Artifact")
      .def_static("open", &Artifact::open, nb::arg("path"))
      .def_static(
          "from_bytes",
          [](const nb::bytes& data, std::string name) {
            return Artifact::from_bytes({reinterpret_cast<const std::byte*>(data.c_str()), data.size()},
                                        std::move(name));
          },
          nb::arg("data"), nb::arg("name"))
      .def_prop_ro("name", &Artifact::name)
      .def_prop_ro("tier_count", &Artifact::tier_count)
      .def_prop_ro("sample_rate", &Artifact::sample_rate)
      .def("flatbuffer", [](const Artifact& artifact) {
        const auto bytes = artifact.flatbuffer();
        return nb::bytes(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      });

  nb::class_<Player>(m, "Player")
      .def(
          "process",
          [](Player& player, const InAudio& in, const OutAudio& out) {
            check_block(player, in, out);
            const nb::gil_scoped_release release;
            player.process(in.data(), out.data(), static_cast<int>(in.shape(0)));
          },
          nb::arg("audio"), nb::arg("out"))
      .def("reset", &Player::reset, nb::call_guard<nb::gil_scoped_release>())
      .def("time_blocks", &time_blocks, nb::arg("audio"), nb::arg("frames"))
      .def_prop_ro("in_channels", &Player::in_channels)
      .def_prop_ro("out_channels", &Player::out_channels)
      .def_prop_ro("min_frames", &Player::min_frames)
      .def_prop_ro("max_frames", &Player::max_frames)
      .def_prop_ro("isa", &Player::isa)
      .def_prop_ro("memory_bytes", &Player::memory_bytes);

  nb::class_<Model, Player>(m, "Model")
      .def(
          "__init__",
          [](Model* self, const Artifact& artifact, int tier, double sample_rate, int max_frames, bool exact,
             const std::string& isa, bool general) {
            new (self) Model(artifact, {.tier = tier,
                                        .sample_rate = sample_rate,
                                        .max_frames = max_frames,
                                        .accuracy = exact ? Accuracy::kExact : Accuracy::kFast,
                                        .kernels = &choose_kernels(isa),
                                        .general = general});
          },
          nb::arg("artifact"), nb::arg("tier"), nb::arg("sample_rate"), nb::arg("max_frames"), nb::arg("exact"),
          nb::arg("isa"), nb::arg("general"));

  bind_litert(m);
  bind_pedal(m);
}
