#include "litert/tflite_graph.h"

#include <algorithm>
#include <cmath>

namespace nampedal::litert {

namespace {

constexpr std::int64_t kMaxElements = std::int64_t{1} << 28;
constexpr std::size_t kDataAlignment = 16;  // interpreters read constants where they lie

template <class T>
List<T> short_list(List<T> list, std::size_t most, const char* what) {
  if (list.size() > most) {
    refuse("has " + std::to_string(list.size()) + " " + what + "; at most " + std::to_string(most) + " are allowed");
  }
  return list;
}

List<std::uint32_t> tables(const Table& table, unsigned field, const char* what) {
  return short_list(table.list<std::uint32_t>(field, what), kMaxParts, what);
}

Table entry(const Table& table, const List<std::uint32_t>& list, std::size_t index, std::uint32_t fields,
            const char* what) {
  return {table.buffer(), table.buffer().follow(list.position(index)), fields, what};
}

bool all_finite(std::span<const std::byte> data) {
  for (std::size_t at = 0; at + sizeof(float) <= data.size(); at += sizeof(float)) {
    float value = 0.0f;
    std::memcpy(&value, data.data() + at, sizeof(float));
    if (!std::isfinite(value)) return false;
  }
  return true;
}

struct Buffer {
  std::span<const std::byte> data;
  bool finite;  // as float32
};
using Buffers = std::vector<Buffer>;

Buffers read_buffers(const Table& model) {
  const auto list = tables(model, model_field::kBuffers, "buffers");
  Buffers buffers;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Table table = entry(model, list, i, 0b1, "a buffer");
    const auto data = table.list<std::uint8_t>(0, "data");
    if ((data.size() == 0) != (i == 0))
      refuse("buffer " + std::to_string(i) + " has " + std::to_string(data.size()) + " bytes");
    if (i > 0 && data.position(0) % kDataAlignment != 0) refuse("buffer " + std::to_string(i) + " is not aligned");
    buffers.push_back({data.bytes(), all_finite(data.bytes())});
  }
  if (buffers.empty()) refuse("has no buffers");
  return buffers;
}

std::vector<const OpFacts*> read_codes(const Table& model) {
  const auto list = tables(model, model_field::kOperatorCodes, "operator codes");
  std::vector<const OpFacts*> codes;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Table table = entry(model, list, i, code_field::kUsed, "an operator code");
    const auto number = table.scalar<std::int32_t>(code_field::kNew, 0);
    const auto old = table.scalar<std::int8_t>(code_field::kOld, 0);
    const auto version = table.scalar<std::int32_t>(code_field::kVersion, 1);
    const auto* found = std::ranges::find(kOps, static_cast<Op>(number), &OpFacts::op);
    if (found == std::end(kOps) || old != std::min(number, kMaxOldCode) || version != found->version) {
      refuse("has operator " + std::to_string(number) + " (" + std::to_string(old) + ") in version " +
             std::to_string(version));
    }
    codes.push_back(found);
  }
  return codes;
}

Shape read_shape(const Table& table) {
  const auto dimensions =
      short_list(table.list<std::int32_t>(tensor_field::kShape, "a shape"), kMaxDimensions, "dimensions in a tensor");
  Shape shape;
  std::int64_t count = 1;
  for (std::size_t i = 0; i < dimensions.size(); ++i) {
    shape.push_back(dimensions[i]);
    if (dimensions[i] < 1 || dimensions[i] > kMaxElements / count)
      refuse("has a tensor of the shape " + text_of(shape));
    count *= dimensions[i];
  }
  return shape;
}

Grid read_grid(const Table& table) {
  if (!table.has(tensor_field::kQuantization)) return {};
  const Table values = table.table(tensor_field::kQuantization, quantization_field::kUsed, "a quantization");
  Grid grid{values.list<float>(quantization_field::kScale, "scales"),
            values.list<std::int64_t>(quantization_field::kZeroPoint, "zero points")};
  if (grid.scale.size() == 0 || grid.scale.size() != grid.zero_point.size()) {
    refuse("has " + std::to_string(grid.scale.size()) + " scales and " + std::to_string(grid.zero_point.size()) +
           " zero points in a tensor");
  }
  for (std::size_t i = 0; i < grid.scale.size(); ++i) {
    if (!(grid.scale[i] > 0.0f) || !std::isfinite(grid.scale[i])) refuse("has a scale that is not above 0 and finite");
    if (grid.zero_point[i] < -128 || grid.zero_point[i] > 127) refuse("has a zero point beyond int8");
  }
  return grid;
}

TensorFacts read_tensor(const Table& table, const Buffers& buffers) {
  TensorFacts facts;
  facts.shape = read_shape(table);
  facts.type = static_cast<Type>(table.scalar<std::int8_t>(tensor_field::kType, 0));
  facts.grid = read_grid(table);
  table.text(tensor_field::kName, "a name");
  const auto buffer = table.scalar<std::uint32_t>(tensor_field::kBuffer, 0);
  if (buffer >= buffers.size()) refuse("has a tensor in buffer " + std::to_string(buffer) + ", which is not there");
  facts.data = buffers[buffer].data;
  if (bytes_of(facts.type) == 0) refuse("has a tensor of type " + std::to_string(static_cast<int>(facts.type)));
  if (!facts.data.empty() && (facts.type == Type::kResource || static_cast<std::int64_t>(facts.data.size()) !=
                                                                   elements(facts.shape) * bytes_of(facts.type))) {
    refuse("has a constant of the shape " + text_of(facts.shape) + " with " + std::to_string(facts.data.size()) +
           " bytes");
  }
  if (facts.type == Type::kFloat && !buffers[buffer].finite) refuse("has a number that is not finite");
  const bool has_grid = facts.grid.scale.size() > 0;
  if (facts.type == Type::kInt8 ? !has_grid : has_grid && facts.type != Type::kInt32) {
    refuse(has_grid ? "has scales in a tensor that is not int8" : "has int8 without scales");
  }
  if (table.has(tensor_field::kSignature)) {
    const auto signature = table.list<std::int32_t>(tensor_field::kSignature, "a signature");
    bool open = signature.size() == 4 && facts.shape.size() == 4;
    for (std::size_t i = 0; open && i < 4; ++i) open = signature[i] == (i == 2 ? -1 : facts.shape[i]);
    if (!open) refuse("has a signature other than (1, 1, -1, 1)");
    facts.any_frames = true;
  }
  return facts;
}

OperatorFacts read_operator(const Table& table, const std::vector<const OpFacts*>& codes) {
  const auto code = table.scalar<std::uint32_t>(operator_field::kCode, 0);
  if (code >= codes.size()) refuse("has an operator of code " + std::to_string(code) + ", which is not there");
  OperatorFacts found{codes[code],
                      table.list<std::int32_t>(operator_field::kInputs, "inputs"),
                      table.list<std::int32_t>(operator_field::kOutputs, "outputs"),
                      {}};
  const auto type = table.scalar<std::uint8_t>(operator_field::kOptionsType, 0);
  if (type != found.facts->options || table.has(operator_field::kOptions) != (type != 0)) {
    refuse("has " + std::string(found.facts->name) + " with options of kind " + std::to_string(type));
  }
  if (type != 0) {
    found.options.push_back(table.table(operator_field::kOptions, found.facts->option_fields, found.facts->name));
  }
  return found;
}

SubgraphFacts read_subgraph(const Table& table, const Buffers& buffers, const std::vector<const OpFacts*>& codes) {
  SubgraphFacts graph;
  table.text(subgraph_field::kName, "a name");
  graph.inputs = table.list<std::int32_t>(subgraph_field::kInputs, "inputs");
  graph.outputs = table.list<std::int32_t>(subgraph_field::kOutputs, "outputs");
  const auto tensors = tables(table, subgraph_field::kTensors, "tensors");
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    graph.tensors.push_back(read_tensor(entry(table, tensors, i, tensor_field::kUsed, "a tensor"), buffers));
  }
  const auto operators = tables(table, subgraph_field::kOperators, "operators");
  for (std::size_t i = 0; i < operators.size(); ++i) {
    graph.operators.push_back(read_operator(entry(table, operators, i, operator_field::kUsed, "an operator"), codes));
  }
  return graph;
}

void check_metadata(const Table& model, std::size_t buffers) {
  const auto list = tables(model, model_field::kMetadata, "entries of metadata");
  if (list.size() > 1) refuse("has " + std::to_string(list.size()) + " entries of metadata");
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Table table = entry(model, list, i, metadata_field::kUsed, "an entry of metadata");
    if (table.text(metadata_field::kName, "a name") != kEntry) refuse("has metadata that is not nampedal's");
    const auto buffer = table.scalar<std::uint32_t>(metadata_field::kBuffer, 0);
    if (buffer == 0 || buffer >= buffers)
      refuse("has metadata in buffer " + std::to_string(buffer) + ", which is not there");
  }
}

}  // namespace

std::string text_of(const Shape& shape) {
  std::string text;
  for (const std::int64_t size : shape) text += (text.empty() ? "" : ", ") + std::to_string(size);
  return "(" + text + ")";
}

std::int64_t elements(const Shape& shape) {
  std::int64_t count = 1;
  for (const std::int64_t size : shape) count *= size;
  return count;
}

bool same(const Grid& a, const Grid& b) {
  return std::ranges::equal(a.scale.bytes(), b.scale.bytes()) &&
         std::ranges::equal(a.zero_point.bytes(), b.zero_point.bytes());
}

bool is_signal(const TensorFacts& facts) {
  return facts.type == Type::kInt8 ? facts.grid.scale.size() == 1
                                   : facts.type == Type::kFloat && facts.grid.scale.size() == 0;
}

std::int64_t bytes_of(Type type) {
  switch (type) {
    case Type::kFloat: return 4;
    case Type::kInt32: return 4;
    case Type::kInt8: return 1;
    case Type::kResource: return 4;
  }
  return 0;
}

GraphFacts read_graph(FlatBuffer& file) {
  const Table model(file, file.follow(0), model_field::kUsed, "the model");
  const auto version = model.scalar<std::uint32_t>(model_field::kVersion, 0);
  if (version != kSchemaVersion) refuse("has schema version " + std::to_string(version));
  model.text(model_field::kDescription, "a description");
  const auto buffers = read_buffers(model);
  const auto codes = read_codes(model);
  check_metadata(model, buffers.size());
  const auto subgraphs = tables(model, model_field::kSubgraphs, "subgraphs");
  if (subgraphs.size() != 2) refuse("has " + std::to_string(subgraphs.size()) + " subgraphs");
  const auto subgraph = [&](std::size_t index) {
    return read_subgraph(entry(model, subgraphs, index, subgraph_field::kUsed, "a subgraph"), buffers, codes);
  };
  return {subgraph(0), subgraph(1)};
}

}  // namespace nampedal::litert
