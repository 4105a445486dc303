// Footswitches, knobs, an encoder and lights for nampedal, on an RP2040. Wiring and flashing:
// docs/reference/serial-controls.md. Nothing is sent while nothing moves, and no pin is pulsed: a high gain would make
// both audible.

#include "protocol.h"

// USB. For the Raspberry Pi's header write Serial1: GP0 sends, GP1 receives.
auto& line = Serial;
constexpr unsigned long kBaud = 115200;

// Numbers in the pedal's profile are places in these lists, from 0. Switches and encoders connect to ground.
constexpr uint8_t kSwitchPins[] = {2, 3, 4, 5};
// A Pico has no A3: take it away, or wire no fourth knob.
constexpr uint8_t kKnobPins[] = {A0, A1, A2, A3};
constexpr uint8_t kEncoderPins[][2] = {{6, 7}};
constexpr uint8_t kLightPins[] = {8, 9, 10, 11};

// Contacts bounce after an edge is told; what they do until then is looked at later.
constexpr uint32_t kBounceUs = 5000;
// One knob after the other; each is 16 readings of 12 bits, summed up to 16.
constexpr uint32_t kKnobUs = 2500;
constexpr int kReadings = 16;
constexpr uint32_t kMostSum = 4095 * kReadings;
// How far a knob has to move before it is told of: 0.3 %. Noise of a still one stays below.
constexpr uint32_t kStillSum = 12 * kReadings;
// From here on a knob is at its end; wider than what a still one may be off.
constexpr uint32_t kEndSum = 40 * kReadings;
constexpr uint32_t kInnerSum = kMostSum - 2 * kEndSum;
constexpr uint8_t kHalfOn = 64;

template <typename T, size_t kSize>
constexpr size_t count(const T (&)[kSize]) {
  return kSize;
}

struct Switch {
  bool down;
  bool told;
  uint32_t changed_us;
  uint32_t told_us;
};

struct Encoder {
  uint8_t contacts;
  int8_t quarters;
};

Switch switches[count(kSwitchPins)];
uint32_t knob_sums[count(kKnobPins)];
Encoder encoders[count(kEncoderPins)];
nampedal::Receiver receiver;
// Until then whatever happens is told as started: the Pi asks then.
bool asked = false;

void tell(const nampedal::Frame& news) {
  const nampedal::Frame frame = asked ? news : nampedal::started();
  // USB is false while nobody has it open.
  if (line) line.write(frame.bytes, sizeof(frame.bytes));
}

bool closed(uint8_t pin) { return digitalRead(pin) == LOW; }

uint32_t read_knob(size_t i) {
  uint32_t sum = 0;
  for (int n = 0; n < kReadings; ++n) sum += static_cast<uint32_t>(analogRead(kKnobPins[i]));
  return sum;
}

// What a knob's sum is between its ends.
uint32_t inner(uint32_t sum) {
  if (sum < kEndSum) return 0;
  if (sum > kMostSum - kEndSum) return kInnerSum;
  return sum - kEndSum;
}

void tell_knob(size_t i) {
  tell(nampedal::position(i, static_cast<uint16_t>(inner(knob_sums[i]) * 65535UL / kInnerSum)));
}

void look_at_switch(size_t i, uint32_t now_us) {
  Switch& s = switches[i];
  const bool down = closed(kSwitchPins[i]);
  if (down != s.down) {
    s.down = down;
    s.changed_us = now_us;
  }
  if (s.down == s.told || now_us - s.told_us < kBounceUs) return;
  s.told = s.down;
  s.told_us = now_us;
  tell(nampedal::edge(i, s.down, static_cast<uint32_t>(micros()) - s.changed_us));
}

void look_at_knob(size_t i) {
  const uint32_t sum = read_knob(i);
  const uint32_t moved = sum > knob_sums[i] ? sum - knob_sums[i] : knob_sums[i] - sum;
  if (moved <= kStillSum) return;
  knob_sums[i] = sum;
  tell_knob(i);
}

uint8_t read_encoder(size_t i) {
  return static_cast<uint8_t>((closed(kEncoderPins[i][0]) ? 0 : 2) | (closed(kEncoderPins[i][1]) ? 0 : 1));
}

void look_at_encoder(size_t i) {
  // By contacts before and now. Clockwise the first closes before the second: 3, 1, 0, 2, 3.
  static const int8_t kQuarters[16] = {0, -1, 1, 0, 1, 0, 0, -1, -1, 0, 0, 1, 0, 1, -1, 0};
  Encoder& e = encoders[i];
  const uint8_t contacts = read_encoder(i);
  e.quarters = static_cast<int8_t>(e.quarters + kQuarters[e.contacts << 2 | contacts]);
  e.contacts = contacts;
  // At rest both are open. A quarter that was missed is forgiven, one that was turned back is no click.
  if (contacts != 3 || e.quarters == 0) return;
  if (e.quarters >= 2 || e.quarters <= -2) tell(nampedal::clicks(i, e.quarters > 0 ? 1 : -1));
  e.quarters = 0;
}

void answer() {
  asked = true;
  tell(nampedal::hello(count(kSwitchPins), count(kKnobPins), count(kEncoderPins), count(kLightPins)));
  for (size_t i = 0; i < count(kSwitchPins); ++i) tell(nampedal::edge(i, switches[i].told, 0));
  for (size_t i = 0; i < count(kKnobPins); ++i) tell_knob(i);
}

void hear() {
  while (line.available() > 0) {
    if (!receiver.take(static_cast<uint8_t>(line.read()))) continue;
    if (receiver.type() == nampedal::kWho) answer();
    if (receiver.type() == nampedal::kLight && receiver.content(0) < count(kLightPins)) {
      digitalWrite(kLightPins[receiver.content(0)], receiver.content(1) >= kHalfOn ? HIGH : LOW);
    }
  }
}

void setup() {
  line.begin(kBaud);
  analogReadResolution(12);
  for (size_t i = 0; i < count(kSwitchPins); ++i) {
    pinMode(kSwitchPins[i], INPUT_PULLUP);
    // Pull-ups take a moment.
    delay(1);
    switches[i].down = switches[i].told = closed(kSwitchPins[i]);
  }
  for (size_t i = 0; i < count(kKnobPins); ++i) knob_sums[i] = read_knob(i);
  for (size_t i = 0; i < count(kEncoderPins); ++i) {
    pinMode(kEncoderPins[i][0], INPUT_PULLUP);
    pinMode(kEncoderPins[i][1], INPUT_PULLUP);
    delay(1);
    encoders[i].contacts = read_encoder(i);
  }
  for (size_t i = 0; i < count(kLightPins); ++i) pinMode(kLightPins[i], OUTPUT);
  tell(nampedal::started());
}

void loop() {
  static uint32_t knob_us = 0;
  static size_t knob = 0;
  hear();
  const uint32_t now_us = static_cast<uint32_t>(micros());
  for (size_t i = 0; i < count(kSwitchPins); ++i) look_at_switch(i, now_us);
  for (size_t i = 0; i < count(kEncoderPins); ++i) look_at_encoder(i);
  if (now_us - knob_us >= kKnobUs) {
    knob_us = now_us;
    look_at_knob(knob);
    knob = (knob + 1) % count(kKnobPins);
  }
}
