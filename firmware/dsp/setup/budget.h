// What several models may take together: of memory, and of work until they are at rest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "dsp/setup/bounds.h"
#include "dsp/setup/errors.h"

namespace nampedal {

class Budget {
 public:
  // what: who they are, for the text.
  explicit Budget(const char* what) : what_(what) {}
  Budget(const Budget&) = delete;
  Budget& operator=(const Budget&) = delete;

  // Before memory is taken. Throws Error.
  void take(std::size_t bytes) {
    if (bytes > kMaxTogetherBytes - bytes_) {
      throw Error(Mistake::kLimit, "needs more than " + std::to_string(kMaxTogetherBytes >> 20) +
                                       " MiB of memory, the most " + what_ + " may take");
    }
    bytes_ += bytes;
  }

  // Before a network is run until it is at rest: multiply-adds of that. Throws Error.
  void settle(std::int64_t macs) {
    if (macs > kMaxSettlingMacs - macs_) {
      throw Error(Mistake::kLimit, "needs more than " + std::to_string(kMaxSettlingMacs / 1'000'000) +
                                       " million multiply-adds to come to rest, the most " + what_ + " may take");
    }
    macs_ += macs;
  }

 private:
  const char* what_;
  std::size_t bytes_ = 0;
  std::int64_t macs_ = 0;
};

}  // namespace nampedal
