// The sketch on a computer. Its argument: the file descriptor of its serial line. Lines on stdin: "set PIN VALUE",
// "noise COUNTS", "run PASSES" (of 100 us each, then "ran" on stdout). Whatever comes over the line is heard at once.

#include <poll.h>

#include <sstream>
#include <string>

#include "Arduino.h"

Board board;
Stream Serial;

int Stream::available() {
  pollfd look = {file, POLLIN, 0};
  return ::poll(&look, 1, 0) > 0 && (look.revents & POLLIN) != 0 ? 1 : 0;
}

int Stream::read() {
  uint8_t byte = 0;
  return ::read(file, &byte, 1) == 1 ? byte : -1;
}

#include "serial-controls.ino"

static void pass() {
  board.now_us += 100;
  loop();
}

static void obey(const std::string& text) {
  std::istringstream words(text);
  std::string word;
  int first = 0, second = 0;
  words >> word >> first >> second;
  if (word == "set") board.pins[first] = second;
  if (word == "noise") board.noise = first;
  if (word != "run") return;
  for (int i = 0; i < first; ++i) pass();
  std::printf("ran\n");
  std::fflush(stdout);
}

int main(int, char** arguments) {
  Serial.file = std::stoi(arguments[1]);
  // Switches and encoders open, knobs in their middle.
  for (int pin = 0; pin < 32; ++pin) board.pins[pin] = pin < A0 ? HIGH : 2048;
  setup();
  pollfd looks[] = {{0, POLLIN, 0}, {Serial.file, POLLIN, 0}};
  std::string text;
  char got[256];
  while (::poll(looks, 2, -1) > 0) {
    if ((looks[1].revents & POLLIN) != 0) pass();
    if (looks[0].revents == 0) continue;
    const ssize_t size = ::read(0, got, sizeof(got));
    if (size <= 0) return 0;
    text.append(got, static_cast<size_t>(size));
    for (size_t end; (end = text.find('\n')) != std::string::npos; text.erase(0, end + 1)) obey(text.substr(0, end));
  }
}
