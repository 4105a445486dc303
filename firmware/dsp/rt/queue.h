// Between two threads without waiting: one puts in, one takes out (L. Lamport, "Proving the correctness of multiprocess
// programs", 1977).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstring>

namespace nampedal {

template <class T, std::size_t kSize>
class Queue {
  static_assert((kSize & (kSize - 1)) == 0, "indices wrap");

 public:
  // False where it is full.
  bool put(const T& item) noexcept {
    const std::size_t end = end_.load(std::memory_order_relaxed);
    if (end - begin_.load(std::memory_order_acquire) == kSize) return false;
    items_[end % kSize] = item;
    end_.store(end + 1, std::memory_order_release);
    return true;
  }

  // False where it is empty.
  bool take(T& item) noexcept {
    const std::size_t begin = begin_.load(std::memory_order_relaxed);
    if (begin == end_.load(std::memory_order_acquire)) return false;
    item = items_[begin % kSize];
    begin_.store(begin + 1, std::memory_order_release);
    return true;
  }

 private:
  T items_[kSize] = {};
  std::atomic<std::size_t> begin_{0};
  std::atomic<std::size_t> end_{0};
};

// Pairs of signals from one thread to another, frame by frame. What does not fit is dropped and counted: who plays
// never waits for who listens.
class AudioQueue {
 public:
  // memory: (size, 2 * pairs) floats, which outlive it. size: a power of two, in frames.
  AudioQueue(float* memory, int pairs, std::size_t size) noexcept : data_(memory), width_(2 * pairs), size_(size) {}

  // first and second: (pairs, frames), of each pair.
  void put(const float* const* first, const float* const* second, int frames) noexcept {
    const auto count = static_cast<std::size_t>(frames);
    const std::size_t end = end_.load(std::memory_order_relaxed);
    if (size_ - (end - begin_.load(std::memory_order_acquire)) < count) {
      dropped_.store(dropped_.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
      return;
    }
    for (std::size_t f = 0; f < count; ++f) {
      float* row = data_ + static_cast<std::size_t>(width_) * ((end + f) % size_);
      for (int pair = 0; 2 * pair < width_; ++pair) {
        row[2 * pair] = first[pair][f];
        row[2 * pair + 1] = second[pair][f];
      }
    }
    end_.store(end + count, std::memory_order_release);
  }

  // As many frames as there are, up to `most`, into (frames, width).
  std::size_t take(float* rows, std::size_t most) noexcept {
    const std::size_t begin = begin_.load(std::memory_order_relaxed);
    const std::size_t there = end_.load(std::memory_order_acquire) - begin;
    const std::size_t count = there < most ? there : most;
    for (std::size_t f = 0; f < count; ++f) {
      const auto floats = static_cast<std::size_t>(width_);
      std::memcpy(rows + floats * f, data_ + floats * ((begin + f) % size_), sizeof(float) * floats);
    }
    begin_.store(begin + count, std::memory_order_release);
    return count;
  }

  std::size_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }

  // Twice the pairs.
  int width() const noexcept { return width_; }

 private:
  float* data_;  // (size, width)
  int width_;
  std::size_t size_;
  std::atomic<std::size_t> begin_{0};
  std::atomic<std::size_t> end_{0};
  std::atomic<std::size_t> dropped_{0};
};

}  // namespace nampedal
