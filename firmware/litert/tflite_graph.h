// A .tflite's tables as values, each checked by itself; tflite_verify.h checks how they fit together.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "litert/flatbuffer.h"
#include "litert/tflite_schema.h"

namespace nampedal::litert {

using Shape = std::vector<std::int64_t>;

// real = scale * (int8 - zero_point); of one value for all, or one a channel along the first axis.
struct Grid {
  List<float> scale;
  List<std::int64_t> zero_point;
};

struct TensorFacts {
  Shape shape;
  Type type = Type::kFloat;
  std::span<const std::byte> data;  // of a constant; else empty
  Grid grid;                        // of int8, and of the int32 biases that go with it; else empty
  bool any_frames = false;          // its signature leaves the third dimension open
};

struct OperatorFacts {
  const OpFacts* facts = nullptr;
  List<std::int32_t> inputs;
  List<std::int32_t> outputs;
  std::vector<Table> options;  // one, or none
};

struct SubgraphFacts {
  std::vector<TensorFacts> tensors;
  std::vector<OperatorFacts> operators;
  List<std::int32_t> inputs;
  List<std::int32_t> outputs;
};

struct GraphFacts {
  SubgraphFacts main;
  SubgraphFacts init;
};

inline constexpr std::size_t kMaxParts = std::size_t{1} << 18;  // tensors or operators of one subgraph, buffers
inline constexpr std::size_t kMaxDimensions = 4;
inline constexpr std::string_view kEntry = "nampedal";

std::string text_of(const Shape& shape);
std::int64_t elements(const Shape& shape);
std::int64_t bytes_of(Type type);
bool same(const Grid& a, const Grid& b);
// Float32, or int8 of one scale and zero point for all.
bool is_signal(const TensorFacts& facts);

// file: the model, and whatever stands behind it. Throws Error: kGraph.
GraphFacts read_graph(FlatBuffer& file);

}  // namespace nampedal::litert
