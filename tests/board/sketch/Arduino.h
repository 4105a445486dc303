// As much of Arduino as the sketch needs, for a computer. Pins are numbers in a table; time is told by main.cpp.
#pragma once

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>

constexpr int LOW = 0, HIGH = 1;
constexpr int OUTPUT = 1, INPUT_PULLUP = 2;
constexpr uint8_t A0 = 26, A1 = 27, A2 = 28, A3 = 29;

struct Board {
  int pins[32];
  int noise = 0;
  uint32_t random = 1;
  unsigned long now_us = 0;
};
extern Board board;

inline void pinMode(uint8_t, int) {}
inline int digitalRead(uint8_t pin) { return board.pins[pin]; }
inline void digitalWrite(uint8_t pin, int value) {
  board.pins[pin] = value;
  std::printf("pin %d %d\n", pin, value);
  std::fflush(stdout);
}
inline void analogReadResolution(int) {}
// With noise: up to so much more or less, evenly; from a linear congruential generator.
inline int analogRead(uint8_t pin) {
  board.random = board.random * 1664525u + 1013904223u;
  const int off = static_cast<int>((board.random >> 16) % static_cast<uint32_t>(2 * board.noise + 1)) - board.noise;
  const int value = board.pins[pin] + off;
  return value < 0 ? 0 : value > 4095 ? 4095 : value;
}
inline unsigned long micros() { return board.now_us; }
inline void delay(unsigned long ms) { board.now_us += 1000 * ms; }

class Stream {
 public:
  explicit operator bool() const { return true; }
  void begin(unsigned long) {}
  int available();
  int read();
  size_t write(const uint8_t* data, size_t size) { return static_cast<size_t>(::write(file, data, size)); }

  int file = -1;
};
extern Stream Serial;
