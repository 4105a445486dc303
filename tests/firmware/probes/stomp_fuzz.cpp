// Loads, and where that works plays, damaged artifacts: any bytes must give an artifact or an Error.
//
//   stomp_fuzz SEED COUNT SEED_FILE...   prints "mutations N refused N played N"
//
// Most mutants get a new checksum, or none would get past it. Run it with the sanitizers on.
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "../../../firmware/dsp/setup/artifact.h"
#include "../../../firmware/dsp/setup/errors.h"
#include "../../../firmware/dsp/setup/model.h"

using namespace nampedal;
using Bytes = std::vector<unsigned char>;

namespace {

class Mutator {
 public:
  explicit Mutator(unsigned seed) : random_(seed) {}

  Bytes mutate(Bytes bytes) {
    const std::size_t body = bytes.size() - Artifact::kChecksumBytes;
    for (unsigned edits = 1 + below(4); edits > 0; --edits) edit(bytes, body);
    if (below(50) == 0) bytes.resize(below(bytes.size() + 1));
    if (below(50) == 0) bytes.insert(bytes.end(), below(64), static_cast<unsigned char>(below(256)));
    if (below(10) != 0) seal(bytes);
    return bytes;
  }

 private:
  std::size_t below(std::size_t limit) { return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random_); }

  void edit(Bytes& bytes, std::size_t body) {
    // Half of the edits hit the first kilobyte: tables and offsets, not weights.
    const std::size_t at = below(below(2) == 0 ? std::min<std::size_t>(body, 1024) : body);
    switch (below(6)) {
      case 0: bytes[at] ^= static_cast<unsigned char>(1u << below(8)); break;
      case 1: bytes[at] = static_cast<unsigned char>(below(256)); break;
      case 2: put(bytes, at, interesting_[below(std::size(interesting_))]); break;
      case 3: put(bytes, at, static_cast<std::uint32_t>(below(64))); break;
      case 4: {
        const std::size_t length = std::min(1 + below(16), body - at);
        std::memmove(&bytes[at], &bytes[below(body - length + 1)], length);
        break;
      }
      default: {
        const std::size_t length = std::min(1 + below(32), body - at);
        std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), length,
                    static_cast<unsigned char>(0xff * below(2)));
      }
    }
  }

  static void put(Bytes& bytes, std::size_t at, std::uint32_t value) {
    for (std::size_t i = 0; i < 4 && at + i < bytes.size(); ++i)
      bytes[at + i] = static_cast<unsigned char>(value >> 8 * i);
  }

  static void seal(Bytes& bytes) {
    if (bytes.size() < Artifact::kChecksumBytes) return;
    const std::size_t body = bytes.size() - Artifact::kChecksumBytes;
    put(bytes, body, static_cast<std::uint32_t>(crc32(0, bytes.data(), static_cast<uInt>(body))));
  }

  static constexpr std::uint32_t interesting_[] = {0,          1,          4,          0x7f,       0x80,
                                                   0xff,       0x7fff,     0xffff,     0x7fffffff, 0x80000000,
                                                   0xffffffff, 0x7f800000, 0x7fc00000, 0xff800000, 0x00100000};
  std::mt19937 random_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  const auto seed = static_cast<unsigned>(std::atoi(argv[1]));
  const int count = std::atoi(argv[2]);
  std::vector<Bytes> seeds;
  for (int i = 3; i < argc; ++i) {
    std::ifstream file(argv[i], std::ios::binary);
    seeds.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  Mutator mutator(seed);
  long refused = 0;
  long played = 0;
  const Kernels& kernels = *available_kernels().front();
  for (int i = 0; i < count; ++i) {
    const Bytes bytes = mutator.mutate(seeds[static_cast<std::size_t>(i) % seeds.size()]);
    try {
      const Artifact artifact =
          Artifact::from_bytes({reinterpret_cast<const std::byte*>(bytes.data()), bytes.size()}, "mutant");
      for (int tier = 0; tier < artifact.tier_count(); ++tier) {
        Model model(artifact, {tier, artifact.sample_rate(), 16, Accuracy::kFast, &kernels});
        std::vector<float> in(16 * static_cast<std::size_t>(model.in_channels()), 0.1f);
        std::vector<float> out(16 * static_cast<std::size_t>(model.out_channels()));
        for (const int frames : {16, 1, 5}) model.process(in.data(), out.data(), frames);
      }
      ++played;
    } catch (const Error& error) {
      if (std::strncmp(error.what(), "mutant: ", 8) != 0) {
        std::fprintf(stderr, "message does not name the file: %s\n", error.what());
        return 1;
      }
      ++refused;
    }
  }
  std::printf("mutations %d refused %ld played %ld\n", count, refused, played);
  return 0;
}
