// An artifact, checked: whatever its bytes, it is either refused or safe to prepare any tier of.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace stomp {
struct Artifact;
struct Tier;
}  // namespace stomp

namespace nampedal {

class Artifact {
 public:
  // Maps the file. Throws Error, its text beginning with the path.
  static Artifact open(const std::string& path);
  // Copies the bytes. `name` begins the text of errors.
  static Artifact from_bytes(std::span<const std::byte> bytes, std::string name);

  Artifact(Artifact&&) noexcept;
  Artifact& operator=(Artifact&&) noexcept;
  ~Artifact();

  const stomp::Artifact& root() const { return *root_; }
  const stomp::Tier& tier(int index) const;  // throws Mistake::kTier
  int tier_count() const;
  double sample_rate() const;
  const std::string& name() const { return name_; }
  // The FlatBuffer, without the checksum behind it.
  std::span<const std::byte> flatbuffer() const { return bytes_.first(bytes_.size() - kChecksumBytes); }

  // CRC-32 (that of zlib) of all bytes before it, little-endian, at the end of the file.
  static constexpr std::size_t kChecksumBytes = 4;

 private:
  class Storage;
  Artifact(std::unique_ptr<Storage> storage, std::string name);
  void check() const;

  std::unique_ptr<Storage> storage_;
  std::string name_;
  std::span<const std::byte> bytes_;
  const stomp::Artifact* root_ = nullptr;
};

}  // namespace nampedal
