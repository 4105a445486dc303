// Sends through both queues of rt/queue.h from one thread to another, and checks what arrives. Built with
// ThreadSanitizer, which sees every access that nothing orders; the queues are small, so that both ends meet often.
//
//   queue_race_probe    prints "items N frames N"
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>
#include <vector>

#include "dsp/rt/queue.h"

using namespace nampedal;

namespace {

struct Item {
  long number = 0;
  long twice = 0;
};

constexpr long kItems = 20'000;

void check(bool right, const char* what) {
  if (right) return;
  std::fprintf(stderr, "%s\n", what);
  std::_Exit(1);
}

void send_items() {
  // Not on the stack, where clang 14 takes arrays for memory that no other thread has.
  const auto shared = std::make_unique<Queue<Item, 8>>();
  Queue<Item, 8>& queue = *shared;
  std::thread sender([&] {
    for (long n = 1; n <= kItems; ++n) {
      while (!queue.put({.number = n, .twice = 2 * n})) std::this_thread::yield();
    }
  });
  Item item;
  for (long n = 1; n <= kItems; ++n) {
    while (!queue.take(item)) std::this_thread::yield();
    check(item.number == n && item.twice == 2 * n, "queue: an item is not the one that is next");
  }
  sender.join();
}

// Returns how many frames arrived. They are numbered in the first signal, and negated in the second.
long send_audio() {
  constexpr int kFrames = 5;
  constexpr std::size_t kSize = 16;
  std::vector<float> memory(4 * kSize);
  const auto shared = std::make_unique<AudioQueue>(memory.data(), 2, kSize);
  AudioQueue& queue = *shared;
  std::atomic<bool> over{false};
  std::thread sender([&] {
    for (long n = 0; n < kItems; n += kFrames) {
      float up[kFrames];
      float down[kFrames];
      for (int f = 0; f < kFrames; ++f) {
        up[f] = static_cast<float>(n + f);
        down[f] = -up[f];
      }
      const float* const first[] = {up, down};
      const float* const second[] = {down, up};
      // What was dropped is sent again.
      for (std::size_t before = queue.dropped();; before = queue.dropped(), std::this_thread::yield()) {
        queue.put(first, second, kFrames);
        if (queue.dropped() == before) break;
      }
    }
    over = true;
  });
  long arrived = 0;
  for (bool end = false; !end;) {
    end = over;
    float rows[4 * 7];
    const std::size_t count = queue.take(rows, 7);
    end = end && count == 0;
    for (std::size_t f = 0; f < count; ++f) {
      const float* row = rows + 4 * f;
      check(row[0] == static_cast<float>(arrived), "audio queue: a frame is not the one that is next");
      check(row[1] == -row[0] && row[2] == -row[0] && row[3] == row[0], "audio queue: a frame is of several");
      ++arrived;
    }
  }
  sender.join();
  return arrived;
}

}  // namespace

int main() {
  send_items();
  const long frames = send_audio();
  check(frames == kItems, "audio queue: frames are missing");
  std::printf("items %ld frames %ld\n", kItems, frames);
  return 0;
}
