// What an operator makes of its inputs' shapes, types and grids.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "litert/tflite_graph.h"

namespace nampedal::litert {

// What is known of a tensor when the operators before have run.
enum class Origin : std::uint8_t {
  kNothing,  // nothing has written it yet
  kConstant,
  kWeight,  // an int8 constant, expanded to float32
  kSignal,
  kHandle  // of a variable
};

struct Variable {
  const TensorFacts* facts = nullptr;  // of what init assigns to it
  int reads = 0;                       // in main
  int writes = 0;
};
using Variables = std::map<std::string_view, Variable>;

// One pass over main at one block: each operator checked against what came before it.
class Pass {
 public:
  // frames: of the input.  own: of the block that the file was written for; there shapes have to be the file's own.
  Pass(const SubgraphFacts& graph, Variables& variables, std::int64_t frames, std::int64_t own);

  void run();

  std::int64_t macs() const { return macs_; }
  std::int64_t signal_bytes() const { return bytes_; }

 private:
  struct State {
    Origin origin = Origin::kNothing;
    Shape shape;
    std::string_view variable;
  };

  const TensorFacts& facts(std::int32_t tensor) const { return graph_.tensors[static_cast<std::size_t>(tensor)]; }
  const Shape& shape(std::int32_t tensor) const { return states_[static_cast<std::size_t>(tensor)].shape; }
  Origin origin(std::int32_t tensor) const { return states_[static_cast<std::size_t>(tensor)].origin; }
  std::int32_t in(std::size_t index) const { return now_->inputs[index]; }
  std::int32_t out(std::size_t index = 0) const { return now_->outputs[index]; }

  [[noreturn]] void wrong(const std::string& text) const;
  void need(bool so, const char* text) const;
  void counts(std::size_t inputs, std::size_t outputs) const;
  void signal(std::int32_t tensor) const;
  void constant(std::int32_t tensor, Type type) const;
  std::vector<std::int64_t> integers(std::int32_t tensor) const;
  // A signal of the same type and grid as another.
  void like(std::int32_t tensor, std::int32_t other) const;
  // The output: a tensor that nothing has written, with this shape.
  void define(std::int32_t tensor, Origin origin, Shape shape);
  // What scales make of int8: ratio of the product of the inputs' to the output's.
  void ratio(double found, double most) const;
  double scale(std::int32_t tensor) const { return static_cast<double>(facts(tensor).grid.scale[0]); }

  void check();
  void handle();
  void read();
  void assign();
  void convert(bool to_int8);
  void conv();
  void matmul();
  void unary(bool int8_too);
  void binary(bool int8_too);
  void concat();
  void split();
  void slice();
  void reshape();

  const SubgraphFacts& graph_;
  Variables& variables_;
  std::int64_t frames_;
  std::int64_t own_;
  std::vector<State> states_;
  const OperatorFacts* now_ = nullptr;
  std::size_t index_ = 0;
  std::int64_t macs_ = 0;
  std::int64_t bytes_ = 0;
};

}  // namespace nampedal::litert
