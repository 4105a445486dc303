// Runs a fuzzer without libFuzzer: all files as they are, then mutations of them in turn, the same for the same seed.
//
//   replay_... SEED COUNT FILE...   prints "inputs N refused N played N"
//
// NAMPEDAL_FUZZ_KEEP in the environment: the file that each input is written to before it is run.
// An input that takes more than kMaxKib of memory, or more, is a fault. Run it with the sanitizers on.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "fuzz.h"

namespace {

constexpr long kMaxKib = 1L << 20;
constexpr std::size_t kMaxBytes = std::size_t{1} << 20;
std::minstd_rand dice;

std::size_t below(std::size_t limit) { return std::uniform_int_distribution<std::size_t>(0, limit - 1)(dice); }

// The most memory that this program has used. getrusage() would count what the program that started it had used
// (Linux keeps that across exec); /proc does not (proc(5), VmHWM).
long peak_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (long kib = 0; word == "VmHWM:" && status >> kib) return kib;
  }
  fuzz::fault("/proc/self/status has no VmHWM");
}

void run(const std::vector<std::uint8_t>& input, const std::string& which) {
  if (const char* keep = std::getenv("NAMPEDAL_FUZZ_KEEP")) {
    std::ofstream(keep, std::ios::binary)
        .write(reinterpret_cast<const char*>(input.data()), static_cast<std::streamsize>(input.size()));
  }
  LLVMFuzzerTestOneInput(input.data(), input.size());
  if (const long kib = peak_kib(); kib > kMaxKib) fuzz::fault(which + " took " + std::to_string(kib >> 10) + " MiB");
}

}  // namespace

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most) {
  if (size == 0) return 0;
  switch (below(5)) {
    case 0: data[below(size)] ^= static_cast<std::uint8_t>(1u << below(8)); return size;
    case 1: data[below(size)] = static_cast<std::uint8_t>(below(256)); return size;
    case 2: return 1 + below(size);
    case 3: {
      const std::size_t more = std::min(below(64), most - size);
      std::fill_n(data + size, more, static_cast<std::uint8_t>(below(256)));
      return size + more;
    }
    default: {
      const std::size_t length = std::min(1 + below(16), size);
      std::memmove(data + below(size - length + 1), data + below(size - length + 1), length);
      return size;
    }
  }
}

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  const auto seed = static_cast<unsigned>(std::atoi(argv[1]));
  const int count = std::atoi(argv[2]);
  dice.seed(seed);
  std::vector<std::vector<std::uint8_t>> files;
  for (int i = 3; i < argc; ++i) {
    std::ifstream file(argv[i], std::ios::binary);
    if (!file) return 2;
    files.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    run(files.back(), argv[i]);
  }
  for (int i = 0; i < count; ++i) {
    std::vector<std::uint8_t> input = files[static_cast<std::size_t>(i) % files.size()];
    const std::size_t size = input.size();
    input.resize(std::max(kMaxBytes, size));
    input.resize(LLVMFuzzerCustomMutator(input.data(), size, input.size(), seed + static_cast<unsigned>(i)));
    run(input, "mutation " + std::to_string(i));
  }
  std::printf("inputs %ld refused %ld played %ld\n", fuzz::refused + fuzz::played, fuzz::refused, fuzz::played);
  return 0;
}
