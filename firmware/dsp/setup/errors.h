// Everything that setup may refuse, by kind. bindings/ turns each kind into a Python exception of its own.
#pragma once

#include <stdexcept>
#include <string>

namespace nampedal {

enum class Mistake {
  kUnreadable,     // the file can't be opened or mapped
  kNotAnArtifact,  // not our format at all
  kFormat,         // a format version that this build does not read
  kChecksum,       // bytes changed since it was written
  kStructure,      // offsets, shapes or parts that do not fit together
  kValue,          // a number that is not finite or not allowed
  kLimit,          // larger than the engine takes
  kTier,           // no such tier
  kSampleRate,     // not the rate that the network runs at
  kIsa,            // kernels that this CPU does not have
  kBlock,          // a block that the file does not allow
  kGraph,          // a .tflite that our converter does not write
  kLiteRtMissing,  // LiteRT's library can't be loaded
  kLiteRtVersion,  // it is not the version that is known here
  kLiteRtRefused   // it does not take the model
};

class Error : public std::runtime_error {
 public:
  Error(Mistake mistake, const std::string& text) : std::runtime_error(text), mistake_(mistake) {}
  Mistake mistake() const noexcept { return mistake_; }

 private:
  Mistake mistake_;
};

}  // namespace nampedal
