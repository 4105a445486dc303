// nampedal's engine as a library: loads a .stomp artifact and plays it, block by block.
//
//   #include <nampedal/engine.h>
//
//   const auto artifact = nampedal::engine::Artifact::open("amp.stomp");
//   nampedal::engine::Player player(artifact, {.max_frames = 64});
//   player.process(in, out, 64);  // on the audio thread
//
// In CMake: find_package(nampedal REQUIRED), and link nampedal::engine. This header needs C++20 and the standard
// library. What loads or prepares may allocate, and throws Error (or std::bad_alloc). What plays does neither, takes no
// lock, makes no system call and takes a bounded time.
//
// An Artifact never changes: any number of threads may prepare players of one. A Player belongs to one thread at a
// time; players share nothing, so that each may have a thread of its own.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace nampedal::engine {

enum class ErrorKind {
  kUnreadable,     // the file can't be opened or mapped
  kNotAnArtifact,  // the bytes are no .stomp artifact
  kFormat,         // a version of the format that this build does not read
  kChecksum,       // the bytes changed since the artifact was written
  kStructure,      // offsets, shapes or parts that do not fit together
  kValue,          // a number that is not finite or not allowed
  kLimit,          // larger than the engine takes, or max_frames out of bounds
  kTier,           // the artifact has no such tier
  kIsa             // kernels of that name do not exist, or not for this CPU
};

// what(): one line of printable UTF-8: where, what was found, what is allowed.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& text) : std::runtime_error(text), kind_(kind) {}
  ErrorKind kind() const noexcept { return kind_; }

 private:
  ErrorKind kind_;
};

// One size of the capture's network.
struct Tier {
  double size_below = 0.0;  // it is played where a size below this, of 0 to 1, is wanted; above 1: the full tier
  std::size_t parameters = 0;
  std::size_t macs_per_frame = 0;          // multiplications with an addition
  std::size_t receptive_field_frames = 0;  // 0: unbounded
};

// A .stomp artifact, checked as a whole: whatever its bytes, it is refused, or each of its tiers can be prepared.
class Artifact {
 public:
  // Maps the file, which has to stay as it is while this lives. Throws Error; its text begins with the path.
  static Artifact open(const std::string& path);
  // Copies the bytes. name: begins the text of errors. Throws Error.
  static Artifact from_bytes(std::span<const std::byte> bytes, const std::string& name);

  Artifact(Artifact&&) noexcept;
  Artifact& operator=(Artifact&&) noexcept;
  ~Artifact();

  // In Hz, what the network runs at: audio at another rate has to be resampled.
  double sample_rate() const noexcept;
  // Full first, at least one. A tier's index is its place in here.
  const std::vector<Tier>& tiers() const noexcept;

 private:
  friend class Player;
  struct Parts;
  explicit Artifact(std::unique_ptr<Parts> parts) noexcept;
  std::unique_ptr<Parts> parts_;
};

struct Settings {
  int tier = 0;           // of Artifact::tiers()
  int max_frames = 1024;  // of the blocks inside, 1 to 8192: memory grows with it, time a frame falls
  bool exact = false;     // the C library's tanh and exp, not our faster ones (an error below 2e-6 of full scale)
  std::string isa;        // name of the kernels: "scalar", "avx2", "avx512", "neon"; "": $NAMPEDAL_ISA, or the best
};

// One tier, prepared, in the steady state of silence.
class Player {
 public:
  // Copies what it needs: the artifact may go. Throws Error: kTier, kLimit, kIsa.
  Player(const Artifact& artifact, const Settings& settings = {});
  Player(Player&&) noexcept;
  Player& operator=(Player&&) noexcept;
  ~Player();

  // in: (frames, in_channels()), out: (frames, out_channels()), frame by frame, apart from one another. For any number
  // of frames; more than max_frames are played in several blocks. The same bits however the audio is cut. Real-time
  // safe. Samples that are not finite may be heard from then on, until reset().
  void process(const float* in, float* out, std::size_t frames) noexcept;

  // Back to the steady state of silence. Takes a bounded time, more than a block.
  void reset() noexcept;

  double sample_rate() const noexcept;
  int in_channels() const noexcept;
  int out_channels() const noexcept;
  int max_frames() const noexcept;
  // Of the kernels that play it.
  const char* isa() const noexcept;
  std::size_t memory_bytes() const noexcept;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace nampedal::engine
