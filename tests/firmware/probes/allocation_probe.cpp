// Counts allocations inside Model::process for every block size up to the prepared one.
//
//   allocation_probe ARTIFACT MAX_FRAMES     prints "allocations N blocks N"
//   allocation_probe --bite                  the same count around code that does allocate
//
// malloc and its family are replaced for the whole program; operator new ends in malloc too.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "../../../firmware/dsp/setup/artifact.h"
#include "../../../firmware/dsp/setup/errors.h"
#include "../../../firmware/dsp/setup/model.h"

namespace {
std::atomic<long> allocations{0};
}

extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* block, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
void __libc_free(void* block);

void* malloc(std::size_t size) {
  ++allocations;
  return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
  ++allocations;
  return __libc_calloc(count, size);
}
void* realloc(void* block, std::size_t size) {
  ++allocations;
  return __libc_realloc(block, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
  ++allocations;
  return __libc_memalign(alignment, size);
}
void free(void* block) {
  ++allocations;
  __libc_free(block);
}
}

using namespace nampedal;

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], "--bite") == 0) {
    const long before = allocations;
    std::vector<float> block(64);
    block.push_back(1.0f);
    std::printf("allocations %ld blocks 1\n", allocations - before);
    return block.size() == 65 ? 0 : 1;
  }
  if (argc != 3) return 2;
  try {
    const Artifact artifact = Artifact::open(argv[1]);
    const int max_frames = std::atoi(argv[2]);
    long counted = 0;
    long blocks = 0;
    for (int tier = 0; tier < artifact.tier_count(); ++tier) {
      for (const Kernels* kernels : available_kernels()) {
        for (const bool general : {true, false}) {
          const Accuracy accuracy = general ? Accuracy::kExact : Accuracy::kFast;
          Model model(artifact, {tier, artifact.sample_rate(), max_frames, accuracy, kernels, general});
          const auto frames = static_cast<std::size_t>(max_frames);
          std::vector<float> in(frames * static_cast<std::size_t>(model.in_channels()), 0.1f);
          std::vector<float> out(frames * static_cast<std::size_t>(model.out_channels()));
          const long before = allocations;
          for (int n = 1; n <= max_frames; ++n, ++blocks) model.process(in.data(), out.data(), n);
          model.reset();
          counted += allocations - before;
        }
      }
    }
    std::printf("allocations %ld blocks %ld\n", counted, blocks);
    return 0;
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
}
