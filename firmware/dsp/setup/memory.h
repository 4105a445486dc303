// Memory of one prepared model: handed out zeroed and aligned, freed all at once.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "dsp/setup/bounds.h"
#include "dsp/setup/budget.h"
#include "dsp/setup/errors.h"

namespace nampedal {

class Memory {
 public:
  // together: what it shares with others; null: nothing. It outlives this.
  explicit Memory(Budget* together = nullptr) : together_(together) {}
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  float* floats(std::size_t count) { return static_cast<float*>(take(count, sizeof(float))); }

  template <class T>
  std::span<T> array(std::size_t count) {
    static_assert(std::is_trivially_destructible_v<T>);
    T* first = static_cast<T*>(take(count, sizeof(T)));
    std::uninitialized_value_construct_n(first, count);
    return {first, count};
  }

  template <class T>
  T& object() {
    return array<T>(1).front();
  }

  std::size_t used() const { return used_; }

  // As Budget has it; alone, up to the same.
  void settle(std::int64_t macs) { (together_ == nullptr ? alone_ : *together_).settle(macs); }

 private:
  static constexpr std::size_t kAlignment = 64;
  struct Free {
    void operator()(std::byte* block) const { ::operator delete[](block, std::align_val_t{kAlignment}); }
  };

  void* take(std::size_t count, std::size_t size) {
    if (count > (kMaxMemoryBytes - used_) / size) {
      throw Error(Mistake::kLimit, "needs more than " + std::to_string(kMaxMemoryBytes >> 20) +
                                       " MiB of memory, the most a model may take");
    }
    const std::size_t bytes = count * size;
    if (together_ != nullptr) together_->take(bytes);
    std::unique_ptr<std::byte[], Free> block(
        static_cast<std::byte*>(::operator new[](bytes, std::align_val_t{kAlignment})));
    std::fill_n(block.get(), bytes, std::byte{0});
    blocks_.push_back(std::move(block));
    used_ += bytes;
    return blocks_.back().get();
  }

  std::vector<std::unique_ptr<std::byte[], Free>> blocks_;
  std::size_t used_ = 0;
  Budget* together_;
  Budget alone_{"a model"};
};

}  // namespace nampedal
