#include "litert.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include "../litert/litert_model.h"

namespace nb = nanobind;

namespace nampedal {

void bind_litert(nb::module_& m) {
  m.attr("LITERT_VERSION") = litert::kVersion;

  nb::class_<LiteRtModel, Player>(m, "LiteRtModel")
      .def(
          "__init__",
          [](LiteRtModel* self, const nb::bytes& data, std::string name, std::string library, std::optional<int> frames,
             int prewarm_frames) {
            new (self) LiteRtModel({reinterpret_cast<const std::byte*>(data.c_str()), data.size()},
                                   {std::move(library), std::move(name), frames, prewarm_frames});
          },
          nb::arg("data"), nb::arg("name"), nb::arg("library"), nb::arg("frames").none(), nb::arg("prewarm_frames"));
}

}  // namespace nampedal
