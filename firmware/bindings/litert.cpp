#include "bindings/litert.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include "litert/litert_model.h"
#include "litert/tflite_verify.h"

namespace nb = nanobind;

namespace nampedal {

void bind_litert(nb::module_& m) {
  m.attr("LITERT_VERSION") = litert::kVersion;

  m.attr("MAX_TFLITE_SIGNAL_BYTES") = litert::kMaxSignalBytes;
  nb::class_<litert::Verified>(m, "VerifiedTflite")
      .def_ro("block", &litert::Verified::block)
      .def_ro("any_block", &litert::Verified::any_block)
      .def_ro("macs", &litert::Verified::macs);
  m.def(
      "verify_tflite",
      [](const nb::bytes& data, const std::string& name, int frames) {
        return litert::verify_tflite({reinterpret_cast<const std::byte*>(data.c_str()), data.size()}, name, frames);
      },
      nb::arg("data"), nb::arg("name"), nb::arg("frames") = 0);

  nb::class_<LiteRtModel, Player>(m, "LiteRtModel")
      .def(
          "__init__",
          [](LiteRtModel* self, const nb::bytes& data, std::string name, std::string library, std::optional<int> frames,
             int prewarm_frames) {
            new (self) LiteRtModel({reinterpret_cast<const std::byte*>(data.c_str()), data.size()},
                                   {.library = std::move(library),
                                    .name = std::move(name),
                                    .frames = frames,
                                    .prewarm_frames = prewarm_frames});
          },
          nb::arg("data"), nb::arg("name"), nb::arg("library"), nb::arg("frames").none(), nb::arg("prewarm_frames"));
}

}  // namespace nampedal
