// Counts calls that allocate or free memory: inside Model::process for every block size up to the prepared one, or
// inside LiteRtModel::process.
//
//   allocation_probe ARTIFACT MAX_FRAMES                   prints "allocations N frees N blocks N"
//   allocation_probe --litert LIBRARY TFLITE MAX_FRAMES    the same for a thousand blocks of that length
//   allocation_probe --stage ARTIFACT MAX_FRAMES           the same inside JackCallback::process, with two chains of
//   every
//                                                          block that switch and change
//   allocation_probe --bite                                the same around code that does both
//
// malloc and its family are replaced for the whole program; operator new ends in malloc too.
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dsp/rt/amp.h"
#include "dsp/rt/cabinet.h"
#include "dsp/rt/tone.h"
#include "dsp/setup/artifact.h"
#include "dsp/setup/errors.h"
#include "dsp/setup/model.h"
#include "dsp/setup/prepared_stage.h"
#include "jack/callback.h"
#include "litert/litert_model.h"

namespace {
std::atomic<long> allocations{0};
std::atomic<long> frees{0};
}  // namespace

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
int posix_memalign(void** block, std::size_t alignment, std::size_t size) {
  ++allocations;
  *block = __libc_memalign(alignment, size);
  return *block == nullptr ? ENOMEM : 0;
}
void free(void* block) {
  if (block != nullptr) ++frees;
  __libc_free(block);
}
}

using namespace nampedal;

namespace {

class Count {
 public:
  void start() {
    allocations_ -= allocations;
    frees_ -= frees;
  }
  void stop() {
    allocations_ += allocations;
    frees_ += frees;
  }
  void print(long blocks) const { std::printf("allocations %ld frees %ld blocks %ld\n", allocations_, frees_, blocks); }

 private:
  long allocations_ = 0;
  long frees_ = 0;
};

void count_litert(const std::string& library, const std::string& path, int frames) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  LiteRtModel model(std::as_bytes(std::span(bytes)), {.library = library, .name = path, .frames = frames});
  std::vector<float> in(static_cast<std::size_t>(frames), 0.1f);
  std::vector<float> out(static_cast<std::size_t>(frames));
  constexpr long kBlocks = 1000;
  Count count;
  count.start();
  for (long n = 0; n < kBlocks; ++n) model.process(in.data(), out.data(), frames);
  count.stop();
  count.print(kBlocks);
}

std::shared_ptr<PreparedChain> chain_of_everything(const Artifact& artifact, double rate, int frames, int channels) {
  auto chain = std::make_shared<PreparedChain>(rate, frames, channels, choose_kernels(""));
  chain->add_gain(0.5f);
  chain->add_gate({.threshold = 0.01f, .hysteresis = 0.5f, .attack_s = 0.001, .hold_s = 0.05, .release_s = 0.1});
  chain->add_amp(artifact, Accuracy::kFast);
  chain->add_tone();
  const std::vector<float> taps(1000, 0.01f);
  chain->add_cabinet(taps);
  chain->add_ceiling();
  chain->reset();
  return chain;
}

// Ports are their own buffers.
void* buffer_of(void* port, std::uint32_t) { return port; }

long count_stage(const Artifact& artifact, double rate, int max_frames, int channels, Count& count) {
  PreparedStage stage(rate, max_frames, channels);
  std::vector<float> in(static_cast<std::size_t>(max_frames), 0.3f);
  std::vector<float> outs[2] = {in, in};
  JackCallback::Ports ports;
  ports.get_buffer = buffer_of;
  for (void*& port : ports.ins) port = in.data();
  for (int out = 0; out < 2; ++out) ports.outs[out] = outs[out].data();
  JackCallback callback(stage.stage(), max_frames, rate, ports);
  stage.stage().set_tapped(true);
  long blocks = 0;
  for (int turn = 0; turn < 12; ++turn) {
    const auto chain = chain_of_everything(artifact, rate, max_frames, channels);
    stage.go_to(chain, turn % 3 == 0, 0.01);
    if (turn % 2 == 1) stage.go_to(chain_of_everything(artifact, rate, max_frames, channels), false, 0.01);
    for (int link = 0; link < 6; ++link) stage.set_heard(*chain, link, turn % 4 != 0);
    stage.set(*chain, 2, Amp::kTier, static_cast<float>(turn % 2));
    stage.set(*chain, 3, Tone::kBass, static_cast<float>(turn));
    stage.set(*chain, 4, Cabinet::kTail, static_cast<float>(turn % 2));
    stage.mute(turn % 5 == 0);
    count.start();
    for (int n = 1; n <= max_frames; ++n, ++blocks) JackCallback::process(static_cast<std::uint32_t>(n), &callback);
    count.stop();
    stage.collect();
  }
  return blocks;
}

}  // namespace

int main(int argc, char** argv) {
  Count count;
  if (argc == 2 && std::strcmp(argv[1], "--bite") == 0) {
    count.start();
    std::vector<float> block(64);
    // Seen from outside, both times: compilers may leave out memory that nobody looks at.
    asm volatile("" : : "g"(block.data()) : "memory");
    block.push_back(1.0f);
    asm volatile("" : : "g"(block.data()) : "memory");
    count.stop();
    count.print(1);
    return block.size() == 65 ? 0 : 1;
  }
  try {
    if (argc == 5 && std::strcmp(argv[1], "--litert") == 0) {
      count_litert(argv[2], argv[3], std::atoi(argv[4]));
      return 0;
    }
    if (argc == 4 && std::strcmp(argv[1], "--stage") == 0) {
      const Artifact artifact = Artifact::open(argv[2]);
      long blocks = 0;
      // At its own rate, and resampled.
      for (const double rate : {artifact.sample_rate(), 44100.0}) {
        for (const int channels : {1, 2}) {
          blocks += count_stage(artifact, rate, std::atoi(argv[3]), channels, count);
        }
      }
      count.print(blocks);
      return 0;
    }
    if (argc != 3) return 2;
    const Artifact artifact = Artifact::open(argv[1]);
    const int max_frames = std::atoi(argv[2]);
    long blocks = 0;
    for (int tier = 0; tier < artifact.tier_count(); ++tier) {
      for (const Kernels* kernels : available_kernels()) {
        for (const bool general : {true, false}) {
          const Accuracy accuracy = general ? Accuracy::kExact : Accuracy::kFast;
          Model model(artifact, {.tier = tier,
                                 .sample_rate = artifact.sample_rate(),
                                 .max_frames = max_frames,
                                 .accuracy = accuracy,
                                 .kernels = kernels,
                                 .general = general});
          const auto frames = static_cast<std::size_t>(max_frames);
          std::vector<float> in(frames * static_cast<std::size_t>(model.in_channels()), 0.1f);
          std::vector<float> out(frames * static_cast<std::size_t>(model.out_channels()));
          count.start();
          for (int n = 1; n <= max_frames; ++n, ++blocks) model.process(in.data(), out.data(), n);
          model.reset();
          count.stop();
        }
      }
    }
    count.print(blocks);
    return 0;
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
}
