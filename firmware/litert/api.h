// What is used here of LiteRT's C interface, as version 2.3.0 has it: no header comes with the library, and earlier
// versions differ. Names, order of arguments, numbers and layouts are those of litert/c/ in google-ai-edge/LiteRT at
// commit 19a1585, which made that version.
#pragma once

#include <cstddef>
#include <cstdint>

namespace nampedal::litert {

inline constexpr const char* kVersion = "2.3.0";
inline constexpr const char* kIsa = "litert 2.3.0";

using Status = std::int32_t;  // LiteRtStatus
inline constexpr Status kOk = 0;

using Index = std::size_t;  // LiteRtParamIndex
using Accelerators = int;   // LiteRtHwAcceleratorSet
inline constexpr Accelerators kCpu = 1 << 0;

// Handles: the library's own types, never looked into.
struct Environment;
struct Model;
struct Options;
struct OpaqueOptions;
struct CompiledModel;
struct Signature;
struct Tensor;
struct TensorBuffer;

struct Layout {  // LiteRtLayout
  unsigned rank : 7;
  unsigned has_strides : 1;
  std::int32_t dimensions[8];
  std::uint32_t strides[8];
};
static_assert(sizeof(Layout) == 68);

struct TensorType {  // LiteRtRankedTensorType
  std::int32_t element;
  Layout layout;
};
static_assert(sizeof(TensorType) == 72);
inline constexpr std::int32_t kFloat32 = 1;

struct Any {  // LiteRtAny, holding an integer
  std::int32_t type;
  std::int64_t integer;
};
static_assert(sizeof(Any) == 16);
inline constexpr std::int32_t kInteger = 2;

struct EnvironmentOption {  // LiteRtEnvOption
  std::int32_t tag;
  Any value;
};
static_assert(sizeof(EnvironmentOption) == 24);
inline constexpr std::int32_t kAutoRegisterAccelerators = 24;
inline constexpr std::int32_t kMinLoggerSeverity = 25;
inline constexpr std::int64_t kSilent = 4;

// Host memory is aligned to 64 bytes, as Memory is. XNNPACK reads behind it: XNN_EXTRA_BYTES, 16 in some versions and
// 128 in others.
inline constexpr std::size_t kReadableBehind = 128;

struct Api {
  Status (*create_environment)(int count, const EnvironmentOption* options, Environment** environment);
  void (*destroy_environment)(Environment* environment);

  Status (*create_model_from_buffer)(Environment* environment, const void* bytes, std::size_t size, Model** model);
  void (*destroy_model)(Model* model);
  Status (*get_model_signature)(Model* model, Index index, Signature** signature);
  Status (*get_num_signature_inputs)(Signature* signature, Index* count);
  Status (*get_num_signature_outputs)(Signature* signature, Index* count);
  Status (*get_signature_input_tensor)(Signature* signature, Index index, Tensor** tensor);
  Status (*get_signature_output_tensor)(Signature* signature, Index index, Tensor** tensor);
  Status (*get_ranked_tensor_type)(Tensor* tensor, TensorType* type);

  Status (*create_options)(Options** options);
  void (*destroy_options)(Options* options);
  Status (*set_hardware_accelerators)(Options* options, Accelerators accelerators);
  Status (*create_opaque_options)(const char* identifier, void* payload, void (*free_payload)(void*),
                                  OpaqueOptions** options);
  Status (*add_opaque_options)(Options* options, OpaqueOptions* given);

  Status (*create_compiled_model)(Environment* environment, Model* model, Options* options, CompiledModel** compiled);
  void (*destroy_compiled_model)(CompiledModel* compiled);
  Status (*get_input_tensor_layout)(CompiledModel* compiled, Index signature, Index input, Layout* layout);
  Status (*resize_input_tensor)(CompiledModel* compiled, Index signature, Index input, const int* dimensions,
                                std::size_t rank);
  Status (*get_output_tensor_layouts)(CompiledModel* compiled, Index signature, std::size_t count, Layout* layouts,
                                      bool update_allocation);
  Status (*run_compiled_model)(CompiledModel* compiled, Index signature, std::size_t input_count, TensorBuffer** inputs,
                               std::size_t output_count, TensorBuffer** outputs);

  Status (*create_tensor_buffer_from_host_memory)(const TensorType* type, void* memory, std::size_t bytes,
                                                  void (*free_memory)(void*), TensorBuffer** buffer);
  void (*destroy_tensor_buffer)(TensorBuffer* buffer);
};

}  // namespace nampedal::litert
