#include "litert/litert_model.h"

#include <algorithm>
#include <cstring>

#include "dsp/rt/flush_to_zero.h"
#include "dsp/rt/guard.h"
#include "dsp/setup/bounds.h"
#include "dsp/setup/errors.h"
#include "litert/library.h"
#include "litert/tflite_verify.h"

namespace nampedal {

using namespace litert;

namespace {

constexpr Index kFirst = 0;  // signature, input, output: there is one of each

// What the CPU's accelerator knows its options by, and reads as TOML.
constexpr const char* kCpuOptions = "xnnpack";
char one_thread[] = "num_threads = 1\n";

bool is_audio(const Layout& layout) {
  const auto* size = layout.dimensions;
  return layout.rank == 4 && size[0] == 1 && size[1] == 1 && size[2] >= 1 && size[3] == 1;
}

std::string shape(const Layout& layout) {
  std::string text;
  for (unsigned i = 0; i < layout.rank; ++i) text += (i == 0 ? "" : ", ") + std::to_string(layout.dimensions[i]);
  return "(" + text + ")";
}

TensorType audio_type(int frames) { return {kFloat32, {4, 0, {1, 1, frames, 1}, {}}}; }

}  // namespace

LiteRtModel::LiteRtModel(std::span<const std::byte> file, const LiteRtPreparation& preparation)
    : name_(preparation.name), api_(open_library(preparation.library)) {
  check_limit("prewarm_frames", preparation.prewarm_frames, 0, kMaxLookback);
  if (preparation.frames) check_limit("max_frames", *preparation.frames, 1, kMaxFrames);
  const Verified graph = verify_tflite(file, name_, preparation.frames.value_or(0));
  check_settling(graph, preparation.prewarm_frames);
  read(file);
  check_ends();
  compile();
  choose_block(preparation.frames);
  in_buffer_ = {create_buffer(in_), api_.destroy_tensor_buffer};
  out_buffer_ = {create_buffer(out_), api_.destroy_tensor_buffer};
  prewarm_blocks_ = std::max(1, (preparation.prewarm_frames + frames_ - 1) / frames_);
  check(prewarm(), "run this model");
}

void LiteRtModel::check(Status status, const char* step) const {
  if (status == kOk) return;
  throw Error(Mistake::kLiteRtRefused, name_ + ": LiteRT " + kVersion + " can't " + step + " (status " +
                                           std::to_string(status) + "): convert the capture again");
}

void LiteRtModel::check_limit(const char* what, int found, int least, int most) const {
  if (found >= least && found <= most) return;
  throw Error(Mistake::kLimit, name_ + ": " + what + " is " + std::to_string(found) + "; allowed are " +
                                   std::to_string(least) + " to " + std::to_string(most));
}

void LiteRtModel::check_settling(const Verified& graph, int prewarm_frames) const {
  const std::int64_t blocks = std::max(1, (prewarm_frames + graph.block - 1) / graph.block);
  if (graph.macs <= kMaxSettlingMacs / blocks) return;
  throw Error(Mistake::kLimit, name_ + ": its prewarm of " + std::to_string(prewarm_frames) +
                                   " frames takes more than " + std::to_string(kMaxSettlingMacs / 1'000'000) +
                                   " million multiply-adds, the most allowed");
}

void LiteRtModel::read(std::span<const std::byte> file) {
  const auto copy = std::as_writable_bytes(memory_.array<float>((file.size() + sizeof(float) - 1) / sizeof(float)));
  std::copy(file.begin(), file.end(), copy.begin());

  // Nothing but the CPU, or the library looks for the drivers of other hardware; and nothing on standard error.
  const EnvironmentOption options[] = {{kAutoRegisterAccelerators, {kInteger, kCpu}},
                                       {kMinLoggerSeverity, {kInteger, kSilent}}};
  Environment* environment = nullptr;
  check(api_.create_environment(2, options, &environment), "set up an environment");
  environment_ = {environment, api_.destroy_environment};
  Model* model = nullptr;
  check(api_.create_model_from_buffer(environment, copy.data(), file.size(), &model), "read this model");
  model_ = {model, api_.destroy_model};
}

void LiteRtModel::check_ends() const {
  Signature* signature = nullptr;
  check(api_.get_model_signature(model_.get(), kFirst, &signature), "find the graph");
  Index inputs = 0;
  Index outputs = 0;
  check(api_.get_num_signature_inputs(signature, &inputs), "count the inputs");
  check(api_.get_num_signature_outputs(signature, &outputs), "count the outputs");
  if (inputs != 1 || outputs != 1) {
    throw Error(Mistake::kStructure, name_ + ": has " + std::to_string(inputs) + " inputs and " +
                                         std::to_string(outputs) + " outputs; one of each, audio, can be played");
  }
  Tensor* in = nullptr;
  Tensor* out = nullptr;
  check(api_.get_signature_input_tensor(signature, kFirst, &in), "find the input");
  check(api_.get_signature_output_tensor(signature, kFirst, &out), "find the output");
  check_element(in, "input");
  check_element(out, "output");
}

void LiteRtModel::check_element(Tensor* tensor, const char* which) const {
  TensorType type{};
  check(api_.get_ranked_tensor_type(tensor, &type), "tell the type of the audio");
  if (type.element == kFloat32) return;
  throw Error(Mistake::kStructure, name_ + ": its " + which + " has element type " + std::to_string(type.element) +
                                       "; audio has " + std::to_string(kFloat32) + ", float32");
}

void LiteRtModel::compile() {
  Options* options = nullptr;
  check(api_.create_options(&options), "make options");
  const Handle<Options> owned(options, api_.destroy_options);
  check(api_.set_hardware_accelerators(options, kCpu), "choose the CPU");
  OpaqueOptions* cpu = nullptr;
  check(api_.create_opaque_options(kCpuOptions, one_thread, [](void*) {}, &cpu), "make options for the CPU");
  check(api_.add_opaque_options(options, cpu), "take options for the CPU");
  CompiledModel* compiled = nullptr;
  check(api_.create_compiled_model(environment_.get(), model_.get(), options, &compiled), "compile this model");
  compiled_ = {compiled, api_.destroy_compiled_model};
}

void LiteRtModel::choose_block(std::optional<int> wanted) {
  Layout in{};
  check(api_.get_input_tensor_layout(compiled_.get(), kFirst, kFirst, &in), "tell the shape of the input");
  if (!is_audio(in)) {
    throw Error(Mistake::kStructure, name_ + ": its input is " + shape(in) + "; audio is (1, 1, frames, 1)");
  }
  frames_ = wanted.value_or(in.dimensions[2]);
  check_limit("max_frames", frames_, 1, kMaxFrames);
  if (frames_ != in.dimensions[2]) {
    const int dimensions[] = {1, 1, frames_, 1};
    if (api_.resize_input_tensor(compiled_.get(), kFirst, kFirst, dimensions, 4) != kOk) {
      throw Error(Mistake::kBlock, name_ + ": plays blocks of " + std::to_string(in.dimensions[2]) +
                                       " frames and no other; " + std::to_string(frames_) +
                                       " were asked for: convert the capture for that");
    }
  }
  Layout out{};
  check(api_.get_output_tensor_layouts(compiled_.get(), kFirst, 1, &out, true), "tell the shape of the output");
  if (!is_audio(out) || out.dimensions[2] != frames_) {
    throw Error(Mistake::kStructure, name_ + ": its output is " + shape(out) + "; for this input, audio is (1, 1, " +
                                         std::to_string(frames_) + ", 1)");
  }
}

TensorBuffer* LiteRtModel::create_buffer(float*& audio) {
  const auto frames = static_cast<std::size_t>(frames_);
  audio = memory_.floats(frames + kReadableBehind / sizeof(float));
  const TensorType type = audio_type(frames_);
  TensorBuffer* buffer = nullptr;
  check(api_.create_tensor_buffer_from_host_memory(&type, audio, frames * sizeof(float), nullptr, &buffer),
        "take memory for audio");
  return buffer;
}

Status LiteRtModel::run() noexcept {
  TensorBuffer* in = in_buffer_.get();
  TensorBuffer* out = out_buffer_.get();
  return api_.run_compiled_model(compiled_.get(), kFirst, 1, &in, 1, &out);
}

Status LiteRtModel::prewarm() noexcept {
  const FlushToZero guard;
  std::fill_n(in_, frames_, 0.0f);
  Status status = kOk;
  for (int n = 0; n < prewarm_blocks_ && status == kOk; ++n) status = run();
  return status;
}

void LiteRtModel::process(const float* in, float* out, int frames) noexcept {
  const FlushToZero guard;
  std::copy_n(in, frames, in_);
  // What its state makes no sound of is silent: the graph is the library's own, and forgets what it heard.
  if (run() == kOk && is_sound(out_, frames)) {
    std::copy_n(out_, frames, out);
  } else {
    std::fill_n(out, frames, 0.0f);
  }
}

void LiteRtModel::reset() noexcept { prewarm(); }

}  // namespace nampedal
