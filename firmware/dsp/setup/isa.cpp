#include "dsp/setup/isa.h"

#include <cstdlib>
#include <string_view>

#include "dsp/setup/errors.h"

namespace nampedal {

namespace {

bool runs_here(std::string_view isa) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (isa == "avx2") return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (isa == "avx512") {
    return runs_here("avx2") && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq");
  }
#endif
  // NEON is part of aarch64 itself.
  return isa == "scalar" || isa == "neon";
}

}  // namespace

std::vector<const Kernels*> available_kernels() {
  std::vector<const Kernels*> found;
#define NAMPEDAL_KERNELS(isa) \
  if (runs_here(#isa)) found.push_back(&isa##_kernels);
#include "dsp/kernels/isa.inc"
#undef NAMPEDAL_KERNELS
  return found;
}

const Kernels& choose_kernels(std::string name) {
  const std::vector<const Kernels*> available = available_kernels();
  std::string asked = "isa";
  if (name.empty()) {
    const char* wanted = std::getenv("NAMPEDAL_ISA");
    if (wanted == nullptr || *wanted == '\0') return *available.front();
    name = wanted;
    asked = "NAMPEDAL_ISA";
  }
  std::string names;
  for (const Kernels* kernels : available) {
    if (name == kernels->name) return *kernels;
    names += (names.empty() ? "" : ", ") + std::string(kernels->name);
  }
  throw Error(Mistake::kIsa, asked + " is '" + name + "'; this CPU runs: " + names);
}

}  // namespace nampedal
