// A .tflite, prepared: played by LiteRT's CompiledModel, on the CPU and in the calling thread.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "dsp/rt/player.h"
#include "dsp/setup/memory.h"
#include "litert/api.h"
#include "litert/tflite_verify.h"

namespace nampedal {

struct LiteRtPreparation {
  std::string library;        // path of libLiteRt.so
  std::string name;           // of the file: begins the text of errors
  std::optional<int> frames;  // of every block; or else as many as the file says
  int prewarm_frames = 0;     // of silence, that make any state what endless silence would have left
};

class LiteRtModel final : public Player {
 public:
  // Copies the file: one graph, one input and one output of float32 [1, 1, frames, 1], state in variables of its own.
  // Ends in the steady state, having run: what the library puts off until its first run is done. Throws Error.
  LiteRtModel(std::span<const std::byte> file, const LiteRtPreparation& preparation);

  // Blocks of max_frames and no other: changing the length rebuilds the library's buffers. The library allocates, as
  // docs/explanation/performance.md counts. Silence, should it fail.
  void process(const float* in, float* out, int frames) noexcept override;

  // Plays the prewarm in whole blocks, one at least. The library offers no way to set its variables back, and creating
  // the model anew may fail.
  void reset() noexcept override;
  float rest() const noexcept override { return out_[frames_ - 1]; }

  int in_channels() const noexcept override { return 1; }
  int out_channels() const noexcept override { return 1; }
  int min_frames() const noexcept override { return frames_; }
  int max_frames() const noexcept override { return frames_; }
  const char* isa() const noexcept override { return litert::kIsa; }
  // The file and the audio. What the library takes besides is not known.
  std::size_t memory_bytes() const noexcept override { return memory_.used(); }

 private:
  template <class T>
  using Handle = std::unique_ptr<T, void (*)(T*)>;

  // The next step of the constructor, or an Error that names it.
  void check(litert::Status status, const char* step) const;
  void check_limit(const char* what, int found, int least, int most) const;
  void check_settling(const litert::Verified& graph, int prewarm_frames) const;
  void read(std::span<const std::byte> file);
  void check_ends() const;
  void check_element(litert::Tensor* tensor, const char* which) const;
  void compile();
  void choose_block(std::optional<int> wanted);
  litert::TensorBuffer* create_buffer(float*& audio);
  litert::Status run() noexcept;
  litert::Status prewarm() noexcept;

  std::string name_;
  litert::Api api_;
  int frames_ = 0;
  int prewarm_blocks_ = 0;
  float* in_ = nullptr;
  float* out_ = nullptr;
  // Each needs those above it, and is destroyed before them.
  Memory memory_;
  Handle<litert::Environment> environment_{nullptr, nullptr};
  Handle<litert::Model> model_{nullptr, nullptr};
  Handle<litert::CompiledModel> compiled_{nullptr, nullptr};
  Handle<litert::TensorBuffer> in_buffer_{nullptr, nullptr};
  Handle<litert::TensorBuffer> out_buffer_{nullptr, nullptr};
};

}  // namespace nampedal
