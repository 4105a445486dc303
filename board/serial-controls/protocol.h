// The serial protocol of docs/reference/serial-controls.md, as a microcontroller speaks it. Plain C++11: no Arduino, no
// heap.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace nampedal {

constexpr uint8_t kVersion = 1;
constexpr size_t kHeadBytes = 6;
constexpr size_t kFrameBytes = 9;
constexpr uint32_t kMaxAgeUs = (1UL << 21) - 1;

// Of a frame's first byte, whose highest bit is set.
enum Type : uint8_t {
  kHello = 0x81,
  kEdge = 0x82,
  kPosition = 0x83,
  kClicks = 0x84,
  kStarted = 0x85,
  kWho = 0x91,
  kLight = 0x92,
};

struct Frame {
  uint8_t bytes[kFrameBytes];
};

// CRC-16/IBM-3740: polynomial 0x1021, beginning with 0xFFFF, the highest bit first.
inline uint16_t crc16(const uint8_t* data, size_t size) {
  uint16_t crc = 0xFFFF;
  for (size_t i = 0; i < size; ++i) {
    crc = static_cast<uint16_t>(crc ^ data[i] << 8);
    for (int bit = 0; bit < 8; ++bit) crc = static_cast<uint16_t>(crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1);
  }
  return crc;
}

// The lowest 7 * sevens bits of a value, the highest of them first.
inline void cut(uint32_t value, size_t sevens, uint8_t* to) {
  for (size_t i = sevens; i-- > 0; value >>= 7) to[i] = value & 0x7F;
}

// From a type and its fields: the first takes one byte, the second the given number, and up to three more one each.
inline Frame frame(Type type, uint8_t first = 0, uint32_t second = 0, size_t sevens = 1, uint8_t third = 0,
                   uint8_t fourth = 0, uint8_t fifth = 0) {
  Frame made = {{type, static_cast<uint8_t>(first & 0x7F), 0, 0, 0, 0, 0, 0, 0}};
  cut(second, sevens, made.bytes + 2);
  const uint8_t rest[] = {third, fourth, fifth};
  for (size_t i = 0; 2 + sevens + i < kHeadBytes && i < sizeof(rest); ++i) made.bytes[2 + sevens + i] = rest[i] & 0x7F;
  cut(crc16(made.bytes, kHeadBytes), kFrameBytes - kHeadBytes, made.bytes + kHeadBytes);
  return made;
}

// How many there are of each, at most 127.
inline Frame hello(size_t switches, size_t knobs, size_t encoders, size_t lights) {
  return frame(kHello, kVersion, static_cast<uint32_t>(switches), 1, static_cast<uint8_t>(knobs),
               static_cast<uint8_t>(encoders), static_cast<uint8_t>(lights));
}

// age_us: since the switch went down or up.
inline Frame edge(size_t number, bool down, uint32_t age_us) {
  const uint32_t age = age_us < kMaxAgeUs ? age_us : kMaxAgeUs;
  // Down is a byte of its own before the three of the age.
  return frame(kEdge, static_cast<uint8_t>(number), (down ? 1UL << 21 : 0UL) | age, 4);
}

inline Frame position(size_t number, uint16_t position) {
  return frame(kPosition, static_cast<uint8_t>(number), position, 3);
}

// Clockwise if positive, from -8192 to 8191.
inline Frame clicks(size_t number, int16_t clicks) {
  return frame(kClicks, static_cast<uint8_t>(number), static_cast<uint32_t>(static_cast<int32_t>(clicks)), 2);
}

inline Frame started() { return frame(kStarted); }

// Takes bytes as they come. Whatever came before: a frame that arrives whole is heard.
class Receiver {
 public:
  // Whether a good frame ends with this byte; it is there until the next call.
  bool take(uint8_t byte) {
    if (byte & 0x80) size_ = 0;
    // No frame has begun, or the last one is over.
    else if (size_ == 0 || size_ == kFrameBytes)
      return false;
    bytes_[size_++] = byte;
    if (size_ < kFrameBytes) return false;
    uint8_t checksum[kFrameBytes - kHeadBytes];
    cut(crc16(bytes_, kHeadBytes), sizeof(checksum), checksum);
    for (size_t i = 0; i < sizeof(checksum); ++i) {
      if (bytes_[kHeadBytes + i] != checksum[i]) return false;
    }
    return true;
  }

  uint8_t type() const { return bytes_[0]; }
  // The content's bytes, 0 to 4.
  uint8_t content(size_t i) const { return bytes_[1 + i]; }

 private:
  uint8_t bytes_[kFrameBytes] = {};
  size_t size_ = 0;
};

}  // namespace nampedal
