// Denormal numbers cost a hundred times a normal one: while this stands, the thread counts them as zero.
#pragma once

#include <cstdint>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace nampedal {

class FlushToZero {
 public:
  FlushToZero() noexcept : before_(read()) { write(before_ | kBits); }
  ~FlushToZero() { write(before_); }
  FlushToZero(const FlushToZero&) = delete;
  FlushToZero& operator=(const FlushToZero&) = delete;

 private:
#if defined(__x86_64__)
  using Register = unsigned;
  static constexpr Register kBits = 0x8040;  // MXCSR: FTZ and DAZ
  static Register read() noexcept { return _mm_getcsr(); }
  static void write(Register value) noexcept { _mm_setcsr(value); }
#elif defined(__aarch64__)
  using Register = std::uint64_t;
  static constexpr Register kBits = Register{1} << 24;  // FPCR: FZ
  static Register read() noexcept {
    Register value;
    asm volatile("mrs %0, fpcr" : "=r"(value));
    return value;
  }
  static void write(Register value) noexcept { asm volatile("msr fpcr, %0" ::"r"(value)); }
#else
#error "flush-to-zero is not known on this CPU"
#endif

  Register before_;
};

}  // namespace nampedal
