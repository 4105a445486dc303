#include "dsp/setup/artifact.h"

#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>

#ifdef _WIN32
#include <filesystem>
#include <fstream>
#else
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

#include "dsp/setup/bounds.h"
#include "dsp/setup/build.h"
#include "dsp/setup/errors.h"
#include "stomp_generated.h"

namespace nampedal {

// Where the bytes live: a read-only mapping, or a copy.
class Artifact::Storage {
 public:
#ifdef _WIN32
  // A copy: nobody can replace a file there while it is mapped. path: UTF-8.
  explicit Storage(const std::string& path) {
    const std::filesystem::path where(std::u8string(path.begin(), path.end()));
    std::error_code why;
    const bool regular = std::filesystem::is_regular_file(where, why);
    if (why) throw Error(Mistake::kUnreadable, "can't be opened: " + why.message());
    if (!regular) throw Error(Mistake::kUnreadable, "is not a regular file");
    const auto size = static_cast<std::size_t>(std::filesystem::file_size(where, why));
    if (why) throw Error(Mistake::kUnreadable, "can't be opened: " + why.message());
    if (size == 0) throw Error(Mistake::kNotAnArtifact, "is empty; an artifact was expected");
    if (size > kMaxFileBytes) throw too_large(size);
    char* const begin = reinterpret_cast<char*>(make_room(size));
    std::ifstream file(where, std::ios::binary);
    if (!file.read(begin, static_cast<std::streamsize>(size))) {
      throw Error(Mistake::kUnreadable, "can't be read");
    }
  }
#else
  explicit Storage(const std::string& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) throw Error(Mistake::kUnreadable, "can't be opened: " + std::string(std::strerror(errno)));
    struct stat facts {};
    const bool regular = ::fstat(file, &facts) == 0 && S_ISREG(facts.st_mode);
    const auto size = regular ? static_cast<std::size_t>(facts.st_size) : 0;
    if (regular && size > 0 && size <= kMaxFileBytes) {
      mapped_ = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0);
    }
    const int why = errno;
    ::close(file);
    if (!regular) throw Error(Mistake::kUnreadable, "is not a regular file");
    if (size == 0) throw Error(Mistake::kNotAnArtifact, "is empty; an artifact was expected");
    if (size > kMaxFileBytes) throw too_large(size);
    if (mapped_ == MAP_FAILED) throw Error(Mistake::kUnreadable, "can't be mapped: " + std::string(std::strerror(why)));
    bytes = {static_cast<const std::byte*>(mapped_), size};
  }

  ~Storage() {
    if (mapped_ != MAP_FAILED) ::munmap(mapped_, bytes.size());
  }
#endif

  explicit Storage(std::span<const std::byte> given) {
    if (given.size() > kMaxFileBytes) throw too_large(given.size());
    std::byte* const begin = make_room(given.size());
    if (!given.empty()) std::memcpy(begin, given.data(), given.size());
  }

  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  std::span<const std::byte> bytes;

 private:
  static Error too_large(std::size_t size) {
    return Error(Mistake::kLimit,
                 "is " + std::to_string(size) + " bytes; an artifact may have " + std::to_string(kMaxFileBytes));
  }

  // Of the copy.
  std::byte* make_room(std::size_t size) {
    // In units of the widest scalar, for its alignment.
    copy_.resize((size + sizeof(double) - 1) / sizeof(double));
    bytes = {reinterpret_cast<const std::byte*>(copy_.data()), size};
    return reinterpret_cast<std::byte*>(copy_.data());
  }

#ifndef _WIN32
  void* mapped_ = MAP_FAILED;
#endif
  std::vector<double> copy_;
};

namespace {

std::uint32_t checksum(std::span<const std::byte> bytes) {
  return static_cast<std::uint32_t>(
      ::crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size())));
}

std::uint32_t little_endian(std::span<const std::byte> four) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value |= std::to_integer<std::uint32_t>(four[i]) << (8 * i);
  return value;
}

bool all_finite(const flatbuffers::Vector<float>& values) {
  return std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); });
}

void check_text(const flatbuffers::String* text, const char* what, std::size_t most = kMaxTextBytes) {
  if (text == nullptr || text->size() <= most) return;
  throw Error(Mistake::kLimit, std::string(what) + " has " + std::to_string(text->size()) + " bytes; at most " +
                                   std::to_string(most) + " are allowed");
}

void check_texts(const stomp::Artifact& root) {
  check_text(root.written_by(), "written_by");
  check_text(root.precision(), "precision");
  if (const stomp::Source* source = root.source(); source != nullptr) {
    check_text(source->file_name(), "the source's file_name");
    check_text(source->sha256(), "the source's sha256");
    check_text(source->version(), "the source's version");
    check_text(source->architecture(), "the source's architecture");
    check_text(source->metadata(), "the source's metadata", kMaxMetadataBytes);
  }
  if (const stomp::Calibration* calibration = root.calibration(); calibration != nullptr) {
    check_text(calibration->material(), "the calibration's material");
    check_text(calibration->beyond(), "the calibration's beyond");
  }
}

void check_texts(const stomp::Tier& tier) {
  if (tier.proof() != nullptr) {
    check_text(tier.proof()->material(), "the proof's material");
    check_text(tier.proof()->worst_kind(), "the proof's worst_kind");
  }
  if (tier.likeness() != nullptr) {
    check_text(tier.likeness()->material(), "the likeness's material");
    check_text(tier.likeness()->worst_kind(), "the likeness's worst_kind");
  }
}

std::size_t golden_samples(const stomp::Tier& tier) {
  const bool present = tier.golden() != nullptr && tier.golden()->output() != nullptr;
  return present ? tier.golden()->output()->size() : 0;
}

void check_golden(const stomp::Artifact& root, const stomp::Tier& tier, const BuiltNetwork& network) {
  if (tier.golden() == nullptr) return;
  const flatbuffers::Vector<float>* input = root.golden_input();
  const flatbuffers::Vector<float>* output = tier.golden()->output();
  if (input == nullptr || output == nullptr || input->size() == 0 || input->size() > kMaxGoldenFrames ||
      output->size() != std::uint64_t{input->size()} * static_cast<std::uint64_t>(network.out_channels)) {
    throw Error(Mistake::kStructure, "golden vectors: " + std::to_string(input == nullptr ? 0 : input->size()) +
                                         " frames in, " + std::to_string(output == nullptr ? 0 : output->size()) +
                                         " samples out; 1 to " + std::to_string(kMaxGoldenFrames) + " frames of 1 -> " +
                                         std::to_string(network.out_channels) + " channels are needed");
  }
  if (!all_finite(*input) || !all_finite(*output) || !std::isfinite(tier.golden()->tolerance())) {
    throw Error(Mistake::kValue, "golden vectors: a sample is not finite");
  }
}

Error within(const std::string& name, const Error& error) { return Error(error.mistake(), name + ": " + error.what()); }

}  // namespace

Artifact Artifact::open(const std::string& path) {
  try {
    return Artifact(std::make_unique<Storage>(path), path);
  } catch (const Error& error) {
    throw within(path, error);
  }
}

Artifact Artifact::from_bytes(std::span<const std::byte> bytes, std::string name) {
  try {
    return Artifact(std::make_unique<Storage>(bytes), name);
  } catch (const Error& error) {
    throw within(name, error);
  }
}

Artifact::Artifact(std::unique_ptr<Storage> storage, std::string name)
    : storage_(std::move(storage)), name_(std::move(name)), bytes_(storage_->bytes) {
  check();
  root_ = stomp::GetArtifact(bytes_.data());
  if (root_->format() < kOldestFormat || root_->format() > kNewestFormat) {
    throw Error(Mistake::kFormat,
                "has format " + std::to_string(root_->format()) + "; this nampedal reads formats " +
                    std::to_string(kOldestFormat) + " to " + std::to_string(kNewestFormat) +
                    (root_->format() > kNewestFormat ? ": update nampedal" : ": convert the capture again"));
  }
  if (!(root_->sample_rate() >= kMinSampleRate && root_->sample_rate() <= kMaxSampleRate)) {
    throw Error(Mistake::kValue, "sample rate is " + std::to_string(root_->sample_rate()) + " Hz; allowed are " +
                                     std::to_string(static_cast<int>(kMinSampleRate)) + " to " +
                                     std::to_string(static_cast<int>(kMaxSampleRate)));
  }
  if (root_->tiers() == nullptr || root_->tiers()->size() == 0 || root_->tiers()->size() > kMaxTiers) {
    const unsigned found = root_->tiers() == nullptr ? 0 : root_->tiers()->size();
    throw Error(Mistake::kStructure,
                "has " + std::to_string(found) + " tiers; allowed are 1 to " + std::to_string(kMaxTiers));
  }
  check_texts(*root_);
  // What can be built at all can be built for any block: nothing is trusted that was not built once.
  Budget together("all tiers together");
  for (int i = 0; i < tier_count(); ++i) {
    const Kernels& kernels = *available_kernels().back();
    try {
      Memory memory(&together);
      check_texts(tier(i));
      together.take(golden_samples(tier(i)) * sizeof(float));
      check_golden(
          *root_, tier(i),
          build_network(
              tier(i).network(),
              {.memory = memory, .kernels = kernels, .accuracy = Accuracy::kExact, .max_frames = 1, .general = true}));
    } catch (const Error& error) {
      throw within("tier " + std::to_string(i), error);
    }
  }
}

void Artifact::check() const {
  constexpr std::size_t kIdentifierEnd = 8;
  if (bytes_.size() < kIdentifierEnd + kChecksumBytes || !stomp::ArtifactBufferHasIdentifier(bytes_.data())) {
    throw Error(Mistake::kNotAnArtifact, "is not a .stomp artifact: the file identifier 'STMP' is missing");
  }
  const std::uint32_t stored = little_endian(bytes_.last(kChecksumBytes));
  if (checksum(flatbuffer()) != stored) {
    throw Error(Mistake::kChecksum, "is damaged: its checksum does not match its bytes; convert or copy it again");
  }
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes_.data());
  // Networks nest; everything else is flat.
  flatbuffers::Verifier verifier(data, flatbuffer().size(), 64, kMaxTables);
  if (!stomp::VerifyArtifactBuffer(verifier)) {
    throw Error(Mistake::kStructure, "is malformed: an offset or a length points outside of it");
  }
}

Artifact::Artifact(Artifact&&) noexcept = default;
Artifact& Artifact::operator=(Artifact&&) noexcept = default;
Artifact::~Artifact() = default;

int Artifact::tier_count() const { return static_cast<int>(root_->tiers()->size()); }

double Artifact::sample_rate() const { return root_->sample_rate(); }

const stomp::Tier& Artifact::tier(int index) const {
  if (index < 0 || index >= tier_count()) {
    throw Error(Mistake::kTier, name_ + ": no tier " + std::to_string(index) + "; it has tiers 0 to " +
                                    std::to_string(tier_count() - 1));
  }
  return *root_->tiers()->Get(static_cast<unsigned>(index));
}

}  // namespace nampedal
