#include "litert/tflite_verify.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "dsp/setup/bounds.h"
#include "litert/tflite_graph.h"
#include "litert/tflite_shapes.h"

namespace nampedal::litert {

namespace {

constexpr std::size_t kIdentifierEnd = 8;

// The second subgraph, which sets each state once: a handle, a row spread over the state's shape, and both joined.
class Start {
 public:
  explicit Start(const SubgraphFacts& graph) : graph_(graph), names_(graph.tensors.size()) {}

  Variables variables() {
    if (graph_.inputs.size() + graph_.outputs.size() != 0) refuse("its second subgraph has inputs or outputs");
    for (const OperatorFacts& op : graph_.operators) {
      for (const auto& list : {op.inputs, op.outputs}) {
        for (std::size_t i = 0; i < list.size(); ++i) {
          if (list[i] < 0 || static_cast<std::size_t>(list[i]) >= graph_.tensors.size()) wrong();
        }
      }
      switch (op.facts->op) {
        case Op::kVarHandle: handle(op); break;
        case Op::kBroadcastTo: spread(op); break;
        case Op::kAssignVariable: assign(op); break;
        default: wrong();
      }
    }
    for (std::size_t i = 0; i < names_.size(); ++i) {
      if (graph_.tensors[i].data.empty() && !made(i)) wrong();
    }
    return std::move(variables_);
  }

 private:
  [[noreturn]] static void wrong() { refuse("its second subgraph does not set each state once"); }

  const TensorFacts& facts(std::int32_t tensor) const { return graph_.tensors[static_cast<std::size_t>(tensor)]; }
  bool made(std::size_t tensor) const { return names_[tensor].has_value(); }
  bool made(std::int32_t tensor) const { return made(static_cast<std::size_t>(tensor)); }

  void make(std::int32_t tensor, std::string_view name) {
    if (made(tensor) || !facts(tensor).data.empty() || facts(tensor).any_frames) wrong();
    names_[static_cast<std::size_t>(tensor)] = name;
  }

  void handle(const OperatorFacts& op) {
    if (op.inputs.size() != 0 || op.outputs.size() != 1) wrong();
    const TensorFacts& handle = facts(op.outputs[0]);
    const auto name = op.options[0].text(1, "a name");
    if (handle.type != Type::kResource || !handle.shape.empty() || name.empty() ||
        !op.options[0].text(0, "a container").empty()) {
      wrong();
    }
    make(op.outputs[0], name);
  }

  void spread(const OperatorFacts& op) {
    if (op.inputs.size() != 2 || op.outputs.size() != 1) wrong();
    const TensorFacts& row = facts(op.inputs[0]);
    const TensorFacts& sizes = facts(op.inputs[1]);
    const TensorFacts& filled = facts(op.outputs[0]);
    const Shape& shape = filled.shape;
    if (row.data.empty() || sizes.data.empty() || sizes.type != Type::kInt32 || shape.empty() ||
        sizes.shape != Shape({static_cast<std::int64_t>(shape.size())}) || row.type != filled.type ||
        !same(row.grid, filled.grid)) {
      wrong();
    }
    for (std::size_t i = 0; i < shape.size(); ++i) {
      std::int32_t size = 0;
      std::memcpy(&size, sizes.data.data() + i * sizeof(size), sizeof(size));
      if (size != shape[i]) wrong();
    }
    Shape wanted(shape.size(), 1);
    wanted.back() = shape.back();
    if (row.shape != wanted || !is_signal(row)) wrong();
    bytes_ += elements(shape) * bytes_of(filled.type);
    if (bytes_ > kMaxSignalBytes) {
      throw Error(Mistake::kLimit,
                  "its states need more than " + std::to_string(kMaxSignalBytes >> 20) + " MiB of memory");
    }
    make(op.outputs[0], {});
  }

  void assign(const OperatorFacts& op) {
    if (op.inputs.size() != 2 || op.outputs.size() != 0 || !made(op.inputs[0]) || !made(op.inputs[1])) wrong();
    const auto name = *names_[static_cast<std::size_t>(op.inputs[0])];
    const TensorFacts& value = facts(op.inputs[1]);
    if (facts(op.inputs[0]).type != Type::kResource || value.type == Type::kResource) wrong();
    if (!variables_.emplace(name, Variable{&value, 0, 0}).second) wrong();
  }

  const SubgraphFacts& graph_;
  // Of handles, and "" of what they are set to.
  std::vector<std::optional<std::string_view>> names_;
  Variables variables_;
  std::int64_t bytes_ = 0;
};

Verified verify(std::span<const std::byte> file, int frames) {
  FlatBuffer buffer(file);
  const GraphFacts graph = read_graph(buffer);
  Variables variables = Start(graph.init).variables();
  if (graph.main.inputs.size() != 1 || graph.main.inputs[0] < 0 ||
      static_cast<std::size_t>(graph.main.inputs[0]) >= graph.main.tensors.size()) {
    refuse("has " + std::to_string(graph.main.inputs.size()) + " inputs; audio is one");
  }
  const TensorFacts& audio = graph.main.tensors[static_cast<std::size_t>(graph.main.inputs[0])];
  if (audio.shape.size() != 4 || audio.shape[2] > kMaxFrames) refuse("its input has the shape " + text_of(audio.shape));
  Verified found{static_cast<int>(audio.shape[2]), audio.any_frames, 0};
  // Every size grows with the block in a straight line: what fits at two lengths fits at all others.
  std::vector<int> lengths{found.block};
  if (found.any_block) {
    lengths.push_back(found.block == 1 ? 2 : 1);
    if (frames >= 1 && frames <= kMaxFrames) lengths.push_back(frames);
  }
  for (const int length : lengths) {
    for (auto& [name, variable] : variables) variable.reads = variable.writes = 0;
    Pass pass(graph.main, variables, length, found.block);
    pass.run();
    if (length == found.block) found.macs = pass.macs();
  }
  return found;
}

}  // namespace

Verified verify_tflite(std::span<const std::byte> file, const std::string& name, int frames) {
  if (file.size() < kIdentifierEnd || std::memcmp(file.data() + 4, "TFL3", 4) != 0) {
    throw Error(Mistake::kNotAnArtifact, name + ": is not a TensorFlow Lite model; a .tflite was expected");
  }
  if (file.size() > kMaxFileBytes) {
    throw Error(Mistake::kLimit, name + ": is " + std::to_string(file.size()) + " bytes; a .tflite may have " +
                                     std::to_string(kMaxFileBytes));
  }
  try {
    return verify(file, frames);
  } catch (const Error& error) {
    if (error.mistake() != Mistake::kGraph) throw Error(error.mistake(), name + ": " + error.what());
    throw Error(Mistake::kGraph, name + ": " + error.what() +
                                     "; no .tflite of nampedal's has that: copy it again, or convert the .nam again");
  }
}

}  // namespace nampedal::litert
