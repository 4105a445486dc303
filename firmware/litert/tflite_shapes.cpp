#include "litert/tflite_shapes.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "litert/tflite_verify.h"

namespace nampedal::litert {

namespace {

constexpr std::size_t kFramesAxis = 2;
// Multipliers of int8 are kept as a fraction and a shift of up to 30 bits; of sums, as 20 bits of headroom and a
// multiplier below 1.
constexpr double kMaxRatio = 1 << 29;
constexpr double kMaxSumRatio = 1 << 18;
constexpr std::int64_t kMaxMacs = std::int64_t{1} << 50;

// One scale a channel, and zero points of 0.
bool is_per_channel(const TensorFacts& facts, std::int64_t channels) {
  if (static_cast<std::int64_t>(facts.grid.scale.size()) != channels) return false;
  for (std::size_t i = 0; i < facts.grid.scale.size(); ++i) {
    if (facts.grid.zero_point[i] != 0) return false;
  }
  return true;
}

}  // namespace

Pass::Pass(const SubgraphFacts& graph, Variables& variables, std::int64_t frames, std::int64_t own)
    : graph_(graph), variables_(variables), frames_(frames), own_(own), states_(graph.tensors.size()) {
  for (std::size_t i = 0; i < states_.size(); ++i) {
    if (graph.tensors[i].data.empty()) continue;
    states_[i].origin = Origin::kConstant;
    states_[i].shape = graph.tensors[i].shape;
  }
}

void Pass::wrong(const std::string& text) const {
  refuse("operator " + std::to_string(index_) + (now_ == nullptr ? "" : std::string(", ") + now_->facts->name) + ": " +
         text);
}

void Pass::need(bool so, const char* text) const {
  if (!so) wrong(text);
}

void Pass::counts(std::size_t inputs, std::size_t outputs) const {
  if (now_->inputs.size() == inputs && now_->outputs.size() == outputs) return;
  wrong("has " + std::to_string(now_->inputs.size()) + " inputs and " + std::to_string(now_->outputs.size()) +
        " outputs");
}

void Pass::signal(std::int32_t tensor) const {
  need(origin(tensor) == Origin::kSignal, "an input is no signal, or nothing has made it yet");
}

void Pass::constant(std::int32_t tensor, Type type) const {
  need(origin(tensor) == Origin::kConstant && facts(tensor).type == type,
       "an input is not the constant that it must be");
}

std::vector<std::int64_t> Pass::integers(std::int32_t tensor) const {
  constant(tensor, Type::kInt32);
  need(facts(tensor).shape.size() <= 1 && facts(tensor).data.size() <= kMaxDimensions * sizeof(std::int32_t),
       "has too many whole numbers");
  std::vector<std::int64_t> values;
  for (std::size_t at = 0; at < facts(tensor).data.size(); at += sizeof(std::int32_t)) {
    std::int32_t value = 0;
    std::memcpy(&value, facts(tensor).data.data() + at, sizeof(value));
    values.push_back(value);
  }
  return values;
}

void Pass::like(std::int32_t tensor, std::int32_t other) const {
  need(facts(tensor).type == facts(other).type && same(facts(tensor).grid, facts(other).grid),
       "tensors have other types or scales than one another");
}

void Pass::define(std::int32_t tensor, Origin origin, Shape shape) {
  State& state = states_[static_cast<std::size_t>(tensor)];
  need(state.origin == Origin::kNothing, "writes what is there already");
  need(!facts(tensor).any_frames || index_ == 0, "a signature is open that is not the input's");
  if (frames_ == own_ && shape != facts(tensor).shape) {
    wrong("gives the shape " + text_of(shape) + "; the file says " + text_of(facts(tensor).shape));
  }
  if (origin == Origin::kSignal) need(is_signal(facts(tensor)), "a signal has the wrong type or scales");
  state.origin = origin;
  state.shape = std::move(shape);
  bytes_ += elements(state.shape) * bytes_of(facts(tensor).type);
  if (bytes_ > kMaxSignalBytes) {
    throw Error(Mistake::kLimit, "needs more than " + std::to_string(kMaxSignalBytes >> 20) +
                                     " MiB of memory at blocks of " + std::to_string(frames_) + " frames");
  }
}

void Pass::ratio(double found, double most) const {
  need(std::isfinite(found) && found > 0.0 && found < most, "scales are too far from one another");
}

void Pass::run() {
  need(graph_.inputs.size() == 1 && graph_.outputs.size() == 1, "is not one input and one output of audio");
  const auto count = static_cast<std::int64_t>(states_.size());
  const auto known = [&](const List<std::int32_t>& list) {
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (list[i] < 0 || list[i] >= count) wrong("has tensor " + std::to_string(list[i]) + ", which is not there");
    }
  };
  known(graph_.inputs);
  known(graph_.outputs);
  const std::int32_t audio = graph_.inputs[0];
  need(facts(audio).type == Type::kFloat, "the input is not float32");
  define(audio, Origin::kSignal, {1, 1, frames_, 1});
  for (index_ = 0; index_ < graph_.operators.size(); ++index_) {
    now_ = &graph_.operators[index_];
    known(now_->inputs);
    known(now_->outputs);
    check();
  }
  now_ = nullptr;
  const std::int32_t output = graph_.outputs[0];
  need(output != audio && origin(output) == Origin::kSignal && facts(output).type == Type::kFloat &&
           shape(output) == Shape({1, 1, frames_, 1}),
       "the output is not the audio that came in, played");
  for (const State& state : states_) need(state.origin != Origin::kNothing, "a tensor is there that nothing makes");
  for (const auto& [name, variable] : variables_) {
    need(variable.reads == 1 && variable.writes == 1, "a state is not read once and kept once");
  }
}

void Pass::check() {
  const Op op = now_->facts->op;
  if ((op == Op::kCallOnce) != (index_ == 0)) wrong("is not the first, which sets the states, or is it twice");
  switch (op) {
    case Op::kCallOnce:
      counts(0, 0);
      need(now_->options[0].scalar<std::int32_t>(0, 0) == 1, "does not call the second subgraph");
      return;
    case Op::kVarHandle: return handle();
    case Op::kReadVariable: return read();
    case Op::kAssignVariable: return assign();
    case Op::kQuantize: return convert(true);
    case Op::kDequantize: return convert(false);
    case Op::kConv2d: return conv();
    case Op::kFullyConnected: return matmul();
    case Op::kTanh:
    case Op::kLogistic:
    case Op::kRelu:
    case Op::kLeakyRelu: return unary(true);
    case Op::kReluN1To1:
    case Op::kAbs:
    case Op::kHardSwish: return unary(false);
    case Op::kAdd:
    case Op::kSub:
    case Op::kMul: return binary(true);
    case Op::kDiv:
    case Op::kMaximum:
    case Op::kMinimum:
    case Op::kPrelu: return binary(false);
    case Op::kConcatenation: return concat();
    case Op::kSplit: return split();
    case Op::kStridedSlice: return slice();
    case Op::kReshape: return reshape();
    case Op::kBroadcastTo: wrong("is allowed in the second subgraph alone");
  }
}

void Pass::handle() {
  counts(0, 1);
  need(facts(out()).type == Type::kResource, "does not give a handle");
  need(now_->options[0].text(0, "a container").empty(), "has a container");
  const auto name = now_->options[0].text(1, "a name");
  need(variables_.contains(name), "names a state that is not set at the start");
  define(out(), Origin::kHandle, {});
  states_[static_cast<std::size_t>(out())].variable = name;
}

void Pass::read() {
  counts(1, 1);
  need(origin(in(0)) == Origin::kHandle, "has no handle");
  Variable& variable = variables_[states_[static_cast<std::size_t>(in(0))].variable];
  const TensorFacts& kept = *variable.facts;
  need(variable.writes == 0, "comes after the state was kept");
  need(facts(out()).type == kept.type && same(facts(out()).grid, kept.grid), "the state has another type or scale");
  define(out(), Origin::kSignal, kept.shape);
  ++variable.reads;
}

void Pass::assign() {
  counts(2, 0);
  need(origin(in(0)) == Origin::kHandle, "has no handle");
  signal(in(1));
  Variable& variable = variables_[states_[static_cast<std::size_t>(in(0))].variable];
  const TensorFacts& kept = *variable.facts;
  need(facts(in(1)).type == kept.type && same(facts(in(1)).grid, kept.grid) && shape(in(1)) == kept.shape,
       "the state has another type, scale or shape");
  ++variable.writes;
}

void Pass::convert(bool to_int8) {
  counts(1, 1);
  const TensorFacts& from = facts(in(0));
  need(from.type == (to_int8 ? Type::kFloat : Type::kInt8) &&
           facts(out()).type == (to_int8 ? Type::kInt8 : Type::kFloat),
       "converts between other types");
  if (origin(in(0)) == Origin::kConstant && !to_int8) {
    need(!from.shape.empty() && is_per_channel(from, from.shape[0]), "a weight has not one scale a channel");
    return define(out(), Origin::kWeight, from.shape);
  }
  signal(in(0));
  define(out(), Origin::kSignal, shape(in(0)));
}

void Pass::conv() {
  counts(3, 1);
  signal(in(0));
  const Table& options = now_->options[0];
  const std::int64_t dilation = options.scalar<std::int32_t>(4, 1);
  need(options.scalar<std::int8_t>(0, 0) == kValidPadding && options.scalar<std::int32_t>(1, 0) == 1 &&
           options.scalar<std::int32_t>(2, 0) == 1 && dilation >= 1,
       "is not a convolution of stride 1 without padding");
  const TensorFacts& weight = facts(in(1));
  const TensorFacts& bias = facts(in(2));
  const bool int8 = facts(in(0)).type == Type::kInt8;
  need(int8 ? origin(in(1)) == Origin::kConstant && weight.type == Type::kInt8
            : (origin(in(1)) == Origin::kConstant || origin(in(1)) == Origin::kWeight) && weight.type == Type::kFloat,
       "its weight is no constant of its type");
  constant(in(2), int8 ? Type::kInt32 : Type::kFloat);
  need(facts(out()).type == facts(in(0)).type, "gives another type");
  const Shape& x = shape(in(0));
  const Shape& w = weight.shape;
  need(x.size() == 4 && w.size() == 4 && x[0] == 1 && x[1] == 1 && w[1] == 1 && x[3] == w[3] &&
           bias.shape == Shape({w[0]}),
       "input, weight and bias do not fit together");
  const std::int64_t frames = x[kFramesAxis] - dilation * (w[2] - 1);
  need(frames >= 1, "looks further back than its input goes");
  if (int8) {
    need(is_per_channel(weight, w[0]) && is_per_channel(bias, w[0]), "has not one scale a channel");
    for (std::size_t i = 0; i < weight.grid.scale.size(); ++i) {
      const double product = scale(in(0)) * static_cast<double>(weight.grid.scale[i]);
      need(std::abs(product - static_cast<double>(bias.grid.scale[i])) <= 1e-5 * product, "its bias has another scale");
      need(is_signal(facts(out())), "a signal has the wrong type or scales");
      ratio(product / scale(out()), kMaxRatio);
    }
  }
  macs_ = std::min(kMaxMacs, macs_ + frames * elements(w));
  // The interpreter may lay out what each output needs.
  if (w[2] > 1) bytes_ += frames * w[2] * w[3] * bytes_of(weight.type);
  define(out(), Origin::kSignal, {1, 1, frames, w[0]});
}

void Pass::matmul() {
  counts(3, 1);
  signal(in(0));
  constant(in(2), Type::kFloat);
  const Shape& x = shape(in(0));
  const Shape& w = shape(in(1));
  need((origin(in(1)) == Origin::kConstant || origin(in(1)) == Origin::kWeight) && facts(in(1)).type == Type::kFloat &&
           facts(in(0)).type == Type::kFloat && facts(out()).type == Type::kFloat,
       "its weight is no constant, or not all is float32");
  need(x.size() == 2 && w.size() == 2 && x[1] == w[1] && facts(in(2)).shape == Shape({w[0]}),
       "input, weight and bias do not fit together");
  macs_ = std::min(kMaxMacs, macs_ + x[0] * elements(w));
  define(out(), Origin::kSignal, {x[0], w[0]});
}

void Pass::unary(bool int8_too) {
  counts(1, 1);
  signal(in(0));
  const bool int8 = facts(in(0)).type == Type::kInt8;
  need(facts(out()).type == facts(in(0)).type && (int8_too || !int8), "is of the wrong type");
  define(out(), Origin::kSignal, shape(in(0)));
  const Op op = now_->facts->op;
  double alpha = 1.0;
  if (op == Op::kLeakyRelu) {
    alpha = static_cast<double>(now_->options[0].scalar<float>(0, 0.0f));
    need(std::isfinite(alpha), "its slope is not finite");
  }
  if (!int8) return;
  if (op == Op::kTanh)
    need(facts(out()).grid.scale[0] == 1.0f / 128 && facts(out()).grid.zero_point[0] == 0,
         "its output has another scale");
  if (op == Op::kLogistic)
    need(facts(out()).grid.scale[0] == 1.0f / 256 && facts(out()).grid.zero_point[0] == -128,
         "its output has another scale");
  ratio(std::max(1.0, std::abs(alpha)) * scale(in(0)) / scale(out()), kMaxRatio);
}

void Pass::binary(bool int8_too) {
  counts(2, 1);
  signal(in(0));
  const bool int8 = facts(in(0)).type == Type::kInt8;
  need(int8_too || !int8, "is of the wrong type");
  need(origin(in(1)) == Origin::kSignal || (origin(in(1)) == Origin::kConstant && !int8),
       "an input is no signal, or nothing has made it yet");
  need(facts(in(1)).type == facts(in(0)).type && facts(out()).type == facts(in(0)).type, "is of different types");
  const Shape& x = shape(in(0));
  const Shape& y = shape(in(1));
  need(y.size() <= x.size(), "its inputs do not fit together");
  for (std::size_t i = 0; i < y.size(); ++i) {
    const std::int64_t wide = x[x.size() - y.size() + i];
    need(y[i] == wide || y[i] == 1, "its inputs do not fit together");
  }
  if (now_->facts->op == Op::kPrelu) {
    need(origin(in(1)) == Origin::kConstant && y == Shape({1, 1, x.back()}), "its slopes are not one a channel");
  }
  define(out(), Origin::kSignal, x);
  if (!int8) return;
  if (now_->facts->op == Op::kMul) return ratio(scale(in(0)) * scale(in(1)) / scale(out()), kMaxRatio);
  ratio(2.0 * std::max(scale(in(0)), scale(in(1))) / scale(out()), kMaxSumRatio);
}

void Pass::concat() {
  need(now_->inputs.size() >= 1 && now_->outputs.size() == 1, "has no inputs, or several outputs");
  const std::int64_t axis = now_->options[0].scalar<std::int32_t>(0, 0);
  signal(in(0));
  Shape joined = shape(in(0));
  need(axis >= 0 && axis < static_cast<std::int64_t>(joined.size()), "has no such axis");
  const auto at = static_cast<std::size_t>(axis);
  for (std::size_t i = 1; i < now_->inputs.size(); ++i) {
    signal(in(i));
    like(in(i), in(0));
    Shape part = shape(in(i));
    need(part.size() == joined.size(), "its inputs do not fit together");
    joined[at] += std::exchange(part[at], 0);
    Shape others = joined;
    others[at] = 0;
    need(part == others, "its inputs do not fit together");
  }
  like(out(), in(0));
  define(out(), Origin::kSignal, std::move(joined));
}

void Pass::split() {
  need(now_->inputs.size() == 2 && now_->outputs.size() >= 1, "has not an axis and a signal");
  signal(in(1));
  Shape part = shape(in(1));
  const auto axis = integers(in(0));
  const auto parts = static_cast<std::int64_t>(now_->outputs.size());
  need(facts(in(0)).shape.empty() && axis[0] == static_cast<std::int64_t>(part.size()) - 1,
       "does not split the last axis");
  need(now_->options[0].scalar<std::int32_t>(0, 0) == parts && part.back() % parts == 0,
       "does not split into equal parts");
  part.back() /= parts;
  for (std::size_t i = 0; i < now_->outputs.size(); ++i) {
    like(out(i), in(1));
    define(out(i), Origin::kSignal, part);
  }
}

void Pass::slice() {
  counts(4, 1);
  signal(in(0));
  const auto begin = integers(in(1));
  const auto end = integers(in(2));
  const auto stride = integers(in(3));
  const auto begin_mask = now_->options[0].scalar<std::int32_t>(0, 0);
  const auto end_mask = now_->options[0].scalar<std::int32_t>(1, 0);
  Shape rest = shape(in(0));
  for (std::size_t i = 1; i < 4; ++i) {
    need(facts(in(i)).shape == Shape({static_cast<std::int64_t>(rest.size())}), "has bounds for other dimensions");
  }
  for (std::size_t i = 0; i < rest.size(); ++i) {
    const std::int64_t from = (begin_mask >> i & 1) != 0 ? 0 : begin[i] + (begin[i] < 0 ? rest[i] : 0);
    const std::int64_t to = (end_mask >> i & 1) != 0 ? rest[i] : end[i] + (end[i] < 0 ? rest[i] : 0);
    need(stride[i] == 1 && 0 <= from && from < to && to <= rest[i], "takes what its input does not have");
    rest[i] = to - from;
  }
  like(out(), in(0));
  define(out(), Origin::kSignal, std::move(rest));
}

void Pass::reshape() {
  counts(2, 1);
  signal(in(0));
  const auto sizes = integers(in(1));
  const auto told = now_->options[0].list<std::int32_t>(0, "a shape");
  need(facts(in(1)).shape.size() == 1 && told.size() == sizes.size(), "is told two shapes");
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    need(told[i] == sizes[i] && sizes[i] >= 1 && sizes[i] <= elements(shape(in(0))),
         "is told two shapes, or an impossible one");
  }
  // One by one: the product of all might be beyond 64 bits.
  std::int64_t left = elements(shape(in(0)));
  for (const std::int64_t size : sizes) left = left % size == 0 ? left / size : 0;
  need(left == 1, "has another number of values");
  like(out(), in(0));
  define(out(), Origin::kSignal, Shape(sizes.begin(), sizes.end()));
}

}  // namespace nampedal::litert
