// Plays one block with the best kernels of this CPU, or those of NAMPEDAL_ISA, and counts the calls through their
// table:
//
//   call_probe ARTIFACT FRAMES    prints "isa NAME convs N rows N lstms N fused_convs N fused_layers N"
//
// rows: frames that are scaled, added or blended.
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "dsp/setup/artifact.h"
#include "dsp/setup/errors.h"
#include "dsp/setup/model.h"

namespace {

using namespace nampedal;

struct Calls {
  long convs = 0;
  long rows = 0;
  long lstms = 0;
  long fused_convs = 0;
  long fused_layers = 0;
};

Calls calls;
Kernels real;
FusedKernels real_planes;
FusedKernels real_rows;

void conv(const ConvArgs& a) noexcept {
  ++calls.convs;
  real.conv(a);
}

void scale(const ScaleArgs& a) noexcept {
  calls.rows += a.frames;
  real.scale(a);
}

void add(const AddArgs& a) noexcept {
  calls.rows += a.frames;
  real.add(a);
}

void blend(const BlendArgs& a) noexcept {
  calls.rows += a.frames;
  real.blend(a);
}

void lstm(const LstmArgs& a) noexcept {
  ++calls.lstms;
  real.lstm[static_cast<int>(Accuracy::kFast)](a);
}

template <FusedKernels& fused>
void fused_conv(const FusedConvArgs& a) noexcept {
  ++calls.fused_convs;
  fused.conv(a);
}

template <FusedKernels& fused>
void fused_layer(const FusedLayer& layer, const FusedLayerArgs& a) noexcept {
  ++calls.fused_layers;
  fused.layer(layer, a);
}

// `copy` becomes the real ones; the result counts and calls them.
template <FusedKernels& copy>
FusedKernels counting(const FusedKernels* kernels) {
  if (kernels == nullptr) return {};
  copy = *kernels;
  FusedKernels counted = copy;
  counted.conv = fused_conv<copy>;
  counted.layer = fused_layer<copy>;
  return counted;
}

int run(const char* path, int frames) {
  const Artifact artifact = Artifact::open(path);
  real = choose_kernels("");
  const FusedKernels planes = counting<real_planes>(real.planes);
  const FusedKernels rows = counting<real_rows>(real.rows);
  Kernels counted = real;
  counted.planes = real.planes == nullptr ? nullptr : &planes;
  counted.rows = real.rows == nullptr ? nullptr : &rows;
  counted.conv = conv;
  counted.scale = scale;
  counted.add = add;
  counted.blend = blend;
  counted.lstm[static_cast<int>(Accuracy::kFast)] = lstm;
  Model model(artifact, {.tier = 0, .sample_rate = artifact.sample_rate(), .max_frames = frames, .kernels = &counted});
  const auto length = static_cast<std::size_t>(frames);
  const std::vector<float> in(length * static_cast<std::size_t>(model.in_channels()));
  std::vector<float> out(length * static_cast<std::size_t>(model.out_channels()));
  // Without those of the model's preparation.
  calls = {};
  model.process(in.data(), out.data(), frames);
  std::printf("isa %s convs %ld rows %ld lstms %ld fused_convs %ld fused_layers %ld\n", real.name, calls.convs,
              calls.rows, calls.lstms, calls.fused_convs, calls.fused_layers);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  try {
    return run(argv[1], std::atoi(argv[2]));
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
