// What a .tflite of ours uses of TensorFlow Lite's schema: numbers of fields, operators and types, as the package
// ai-edge-litert 2.3.0 has them in schema_py_generated.py.
#pragma once

#include <cstdint>

namespace nampedal::litert {

inline constexpr std::uint32_t kSchemaVersion = 3;

enum class Type : std::int8_t { kFloat = 0, kInt32 = 2, kInt8 = 9, kResource = 13 };

enum class Op : std::int32_t {
  kAdd = 0,
  kConcatenation = 2,
  kConv2d = 3,
  kDequantize = 6,
  kFullyConnected = 9,
  kLogistic = 14,
  kMul = 18,
  kRelu = 19,
  kReluN1To1 = 20,
  kReshape = 22,
  kTanh = 28,
  kSub = 41,
  kDiv = 42,
  kStridedSlice = 45,
  kSplit = 49,
  kPrelu = 54,
  kMaximum = 55,
  kMinimum = 57,
  kLeakyRelu = 98,
  kAbs = 101,
  kQuantize = 114,
  kHardSwish = 117,
  kCallOnce = 129,
  kBroadcastTo = 130,
  kVarHandle = 142,
  kReadVariable = 143,
  kAssignVariable = 144,
};

// An operator as our converter writes it.
struct OpFacts {
  Op op;
  const char* name;
  std::int32_t version;         // of its operator code
  std::uint8_t options;         // which table of BuiltinOptions; 0: none
  std::uint32_t option_fields;  // a bit for each field of that table that we write
};

inline constexpr OpFacts kOps[] = {
    {Op::kAdd, "ADD", 1, 11, 0},
    {Op::kConcatenation, "CONCATENATION", 1, 10, 0b1},
    {Op::kConv2d, "CONV_2D", 1, 1, 0b10111},
    {Op::kDequantize, "DEQUANTIZE", 1, 0, 0},
    {Op::kFullyConnected, "FULLY_CONNECTED", 1, 8, 0},
    {Op::kLogistic, "LOGISTIC", 1, 0, 0},
    {Op::kMul, "MUL", 1, 21, 0},
    {Op::kRelu, "RELU", 1, 0, 0},
    {Op::kReluN1To1, "RELU_N1_TO_1", 1, 0, 0},
    {Op::kReshape, "RESHAPE", 1, 17, 0b1},
    {Op::kTanh, "TANH", 1, 0, 0},
    {Op::kSub, "SUB", 1, 28, 0},
    {Op::kDiv, "DIV", 1, 29, 0},
    {Op::kStridedSlice, "STRIDED_SLICE", 1, 32, 0b11},
    {Op::kSplit, "SPLIT", 1, 35, 0b1},
    {Op::kPrelu, "PRELU", 1, 0, 0},
    {Op::kMaximum, "MAXIMUM", 1, 39, 0},
    {Op::kMinimum, "MINIMUM", 1, 39, 0},
    {Op::kLeakyRelu, "LEAKY_RELU", 1, 75, 0b1},
    {Op::kAbs, "ABS", 1, 0, 0},
    {Op::kQuantize, "QUANTIZE", 1, 0, 0},
    {Op::kHardSwish, "HARD_SWISH", 1, 0, 0},
    {Op::kCallOnce, "CALL_ONCE", 1, 103, 0b1},
    {Op::kBroadcastTo, "BROADCAST_TO", 2, 104, 0},
    {Op::kVarHandle, "VAR_HANDLE", 1, 111, 0b11},
    {Op::kReadVariable, "READ_VARIABLE", 1, 112, 0},
    {Op::kAssignVariable, "ASSIGN_VARIABLE", 1, 113, 0},
};

// The old field of an operator code is one signed byte; its last value says that the number is in the new one.
inline constexpr std::int32_t kMaxOldCode = 127;
inline constexpr std::int8_t kValidPadding = 1;

namespace model_field {
enum : unsigned { kVersion, kOperatorCodes, kSubgraphs, kDescription, kBuffers, kMetadata = 6 };
inline constexpr std::uint32_t kUsed = 0b1011111;
}  // namespace model_field
namespace code_field {
enum : unsigned { kOld, kVersion = 2, kNew };
inline constexpr std::uint32_t kUsed = 0b1101;
}  // namespace code_field
namespace subgraph_field {
enum : unsigned { kTensors, kInputs, kOutputs, kOperators, kName };
inline constexpr std::uint32_t kUsed = 0b11111;
}  // namespace subgraph_field
namespace tensor_field {
enum : unsigned { kShape, kType, kBuffer, kName, kQuantization, kSignature = 7 };
inline constexpr std::uint32_t kUsed = 0b10011111;
}  // namespace tensor_field
namespace quantization_field {
enum : unsigned { kScale = 2, kZeroPoint };
inline constexpr std::uint32_t kUsed = 0b1100;
}  // namespace quantization_field
namespace operator_field {
enum : unsigned { kCode, kInputs, kOutputs, kOptionsType, kOptions };
inline constexpr std::uint32_t kUsed = 0b11111;
}  // namespace operator_field
namespace metadata_field {
enum : unsigned { kName, kBuffer };
inline constexpr std::uint32_t kUsed = 0b11;
}  // namespace metadata_field

}  // namespace nampedal::litert
