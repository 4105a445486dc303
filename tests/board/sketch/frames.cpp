// What protocol.h makes and hears. A line on stdin: a message and its fields, then the frame on stdout, in hex; or
// "hear" and bytes in hex, then type and content of every good frame in them.

#include <cstdio>
#include <iostream>
#include <sstream>
#include <string>

#include "protocol.h"

static void print(const uint8_t* bytes, size_t size) {
  for (size_t i = 0; i < size; ++i) std::printf("%02x", bytes[i]);
}

static void hear(const std::string& hex) {
  nampedal::Receiver receiver;
  for (size_t i = 0; i < hex.size(); i += 2) {
    if (!receiver.take(static_cast<uint8_t>(std::stoi(hex.substr(i, 2), nullptr, 16)))) continue;
    const uint8_t type = receiver.type();
    print(&type, 1);
    for (size_t n = 0; n < 5; ++n) {
      const uint8_t byte = receiver.content(n);
      print(&byte, 1);
    }
  }
}

int main() {
  std::string text;
  while (std::getline(std::cin, text)) {
    std::istringstream words(text);
    std::string kind, hex;
    words >> kind;
    if (kind == "hear") {
      words >> hex;
      hear(hex);
    } else {
      long v[5] = {};
      for (long& value : v) words >> value;
      nampedal::Frame made = nampedal::started();
      // The version is protocol.h's own.
      if (kind == "Hello") made = nampedal::hello(size_t(v[1]), size_t(v[2]), size_t(v[3]), size_t(v[4]));
      if (kind == "SwitchEdge") made = nampedal::edge(size_t(v[0]), v[1] != 0, uint32_t(v[2]));
      if (kind == "KnobPosition") made = nampedal::position(size_t(v[0]), uint16_t(v[1]));
      if (kind == "EncoderClicks") made = nampedal::clicks(size_t(v[0]), int16_t(v[1]));
      print(made.bytes, sizeof(made.bytes));
    }
    std::printf("\n");
  }
}
