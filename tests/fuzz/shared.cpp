// Mutations that keep a mutant an artifact, as far as its checksum goes, and what both fuzzers check with.
#include <zlib.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>

#include "fuzz.h"

namespace fuzz {

void fault(const std::string& what) {
  std::fprintf(stderr, "fault: %s\n", what.c_str());
  std::abort();
}

void check_message(const std::string& text, const std::string& name) {
  if (text.compare(0, name.size() + 2, name + ": ") != 0) fault("the message does not name the file: " + text);
  if (!std::ranges::all_of(text, [](unsigned char c) { return std::isprint(c) != 0; })) {
    fault("the message is no line of printable characters: " + text);
  }
}

std::vector<float> test_signal(std::size_t samples, unsigned seed) {
  std::minstd_rand random(seed + 1);
  std::vector<float> signal(samples);
  for (std::size_t i = 0; i < samples; ++i) {
    const float noise = std::uniform_real_distribution<float>(-1.0f, 1.0f)(random);
    signal[i] = i % 48 < 8 ? 0.0f : i % 32 == 31 ? 1.0f : 0.5f * noise;
  }
  return signal;
}

void check_same(std::span<const float> one, std::span<const float> other, const std::string& what) {
  for (std::size_t i = 0; i < one.size(); ++i) {
    if (std::isnan(one[i]) && std::isnan(other[i])) continue;
    if (std::memcmp(&one[i], &other[i], sizeof(float)) != 0) {
      char values[80];
      std::snprintf(values, sizeof values, "sample %zu is %a and %a: ", i, static_cast<double>(one[i]),
                    static_cast<double>(other[i]));
      fault(values + what);
    }
  }
}

std::vector<int> cuts(int frames, int most, unsigned which) {
  static constexpr int kLengths[] = {1, 3, 16, 2, 7, 31, 64, 5};
  std::vector<int> lengths;
  for (unsigned i = which; frames > 0; ++i) {
    const int length = std::min({which == 0 ? most : kLengths[i % std::size(kLengths)], most, frames});
    lengths.push_back(length);
    frames -= length;
  }
  return lengths;
}

namespace {

constexpr std::size_t kChecksumBytes = 4;
constexpr std::uint32_t kInteresting[] = {
    0,          1,          2,          4,          0x7f,       0x80,       0xff,       0x3ff,      0x7fff,
    0xffff,     0x100000,   0x7fffffff, 0x80000000, 0xffffffff, 0x00000001, 0x7f7fffff, 0x7f800000,  // largest, inf
    0x7fc00000, 0xff800000, 0x3f800000, 0xbf800000, 0x501502f9, 0x00800000, 0x5f000000};             // NaN, -inf, 1e10

class Structure {
 public:
  Structure(std::uint8_t* data, std::size_t size, unsigned seed) : data_(data), size_(size), random_(seed) {}

  std::size_t below(std::size_t limit) { return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random_); }

  void edit() {
    switch (below(8)) {
      case 0: put(4 * below(size_ / 4), interesting()); break;
      case 1: put(4 * below(size_ / 4), static_cast<std::uint32_t>(below(64))); break;
      case 2: repeat(); break;
      default: edit_table();
    }
  }

 private:
  struct Table {
    std::size_t at = 0;
    std::size_t vtable = 0;
    std::size_t fields = 0;
  };

  std::uint32_t interesting() { return kInteresting[below(std::size(kInteresting))]; }

  std::uint32_t word(std::size_t at) const {
    std::uint32_t value = 0;
    std::memcpy(&value, data_ + at, sizeof value);
    return value;
  }

  std::uint16_t half(std::size_t at) const {
    std::uint16_t value = 0;
    std::memcpy(&value, data_ + at, sizeof value);
    return value;
  }

  void put(std::size_t at, std::uint32_t value) {
    if (at + sizeof value <= size_) std::memcpy(data_ + at, &value, sizeof value);
  }

  void put_half(std::size_t at, std::uint16_t value) {
    if (at + sizeof value <= size_) std::memcpy(data_ + at, &value, sizeof value);
  }

  // Whether a FlatBuffers table seems to begin there: its first word leads back to a vtable of a sane length.
  bool is_table(std::size_t at, Table& table) const {
    if (at + 4 > size_) return false;
    const auto vtable = static_cast<std::int64_t>(at) - static_cast<std::int32_t>(word(at));
    if (vtable < 0 || vtable + 4 > static_cast<std::int64_t>(size_)) return false;
    const std::size_t start = static_cast<std::size_t>(vtable);
    const std::size_t bytes = half(start);
    const std::size_t inside = half(start + 2);
    if (bytes < 6 || bytes > 64 || bytes % 2 != 0 || inside < 4 || inside > 256) return false;
    if (start + bytes > size_ || at + inside > size_) return false;
    table = {at, start, (bytes - 4) / 2};
    return true;
  }

  bool find_table(Table& table) {
    std::size_t at = 4 * below(size_ / 4);
    for (int looked = 0; looked < 4096; ++looked, at += 4) {
      if (at + 4 > size_) at = 0;
      if (is_table(at, table)) return true;
    }
    return false;
  }

  void edit_table() {
    Table table;
    if (!find_table(table)) return;
    const std::size_t entry = table.vtable + 4 + 2 * below(table.fields);
    const std::size_t field = half(entry) != 0 ? table.at + half(entry) : 0;
    switch (below(7)) {
      case 0: put_half(entry, 0); break;
      case 1: {
        const std::size_t other = table.vtable + 4 + 2 * below(table.fields);
        const std::uint16_t kept = half(entry);
        put_half(entry, half(other));
        put_half(other, kept);
        break;
      }
      case 2: {
        Table other;
        if (field != 0 && find_table(other) && other.at > field) {
          put(field, static_cast<std::uint32_t>(other.at - field));
        }
        break;
      }
      case 3:
        if (field != 0 && field + 4 <= size_) edit_length(field + word(field));
        break;
      case 4:
        if (field != 0 && field < size_) data_[field] = static_cast<std::uint8_t>(below(16));
        break;
      case 5:
        if (field != 0) put(field, static_cast<std::uint32_t>(below(64)));
        break;
      default:
        if (field != 0) put(field, interesting());
    }
  }

  void edit_length(std::size_t at) {
    if (at + 4 > size_) return;
    const std::uint32_t length = word(at);
    const std::uint32_t lengths[] = {0, 1, length - 1, length + 1, length / 2, 2 * length, interesting()};
    put(at, lengths[below(std::size(lengths))]);
  }

  void repeat() {
    const std::size_t length = std::min<std::size_t>(4 * (1 + below(16)), size_ / 2);
    std::memmove(data_ + below(size_ - length + 1), data_ + below(size_ - length + 1), length);
  }

  std::uint8_t* data_;
  std::size_t size_;
  std::minstd_rand random_;
};

void seal(std::uint8_t* data, std::size_t size) {
  const std::size_t body = size - kChecksumBytes;
  const auto sum = static_cast<std::uint32_t>(crc32(0, data, static_cast<uInt>(body)));
  for (std::size_t i = 0; i < kChecksumBytes; ++i) data[body + i] = static_cast<std::uint8_t>(sum >> (8 * i));
}

}  // namespace

}  // namespace fuzz

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed) {
  using fuzz::kOptionBytes;
  constexpr std::size_t kLeast = kOptionBytes + 16 + fuzz::kChecksumBytes;
  fuzz::Structure dice(data, size, seed);
  if (size < kLeast || dice.below(16) == 0) size = LLVMFuzzerMutate(data, size, most);
  if (size < kLeast) return size;
  if (dice.below(4) == 0) data[dice.below(kOptionBytes)] = static_cast<std::uint8_t>(dice.below(256));
  std::uint8_t* artifact = data + kOptionBytes;
  const std::size_t body = size - kOptionBytes - fuzz::kChecksumBytes;
  if (dice.below(4) == 0) {
    size = kOptionBytes + fuzz::kChecksumBytes +
           std::max<std::size_t>(16, LLVMFuzzerMutate(artifact, body, most - kOptionBytes - fuzz::kChecksumBytes));
  } else {
    fuzz::Structure structure(artifact, body, seed + 1);
    for (std::size_t edits = 1 + dice.below(3); edits > 0; --edits) structure.edit();
  }
  if (dice.below(32) != 0) fuzz::seal(artifact, size - kOptionBytes);
  return size;
}
