#include "dsp/setup/parts.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace nampedal {

void refuse(Mistake mistake, std::string_view where, const std::string& what) {
  throw Error(mistake, Where(where) + ' ' + what);
}

Where at(const Where& list, unsigned index) { return list + '[' + std::to_string(index) + ']'; }

namespace {

// Little-endian, at any address.
float float32_at(const std::uint8_t* bytes, std::size_t index) {
  float value;
  std::memcpy(&value, bytes + 4 * index, sizeof value);
  return value;
}

// The upper half of a float32.
float bfloat16_at(const std::uint8_t* bytes, std::size_t index) {
  std::uint16_t half;
  std::memcpy(&half, bytes + 2 * index, sizeof half);
  return std::bit_cast<float>(static_cast<std::uint32_t>(half) << 16);
}

// IEEE 754 binary16.
float float16_at(const std::uint8_t* bytes, std::size_t index) {
  std::uint16_t half;
  std::memcpy(&half, bytes + 2 * index, sizeof half);
  const int exponent = half >> 10 & 0x1f;
  const int mantissa = half & 0x3ff;
  const float sign = (half & 0x8000) != 0 ? -1.0f : 1.0f;
  if (exponent == 0x1f) return mantissa == 0 ? sign * INFINITY : NAN;
  return sign * (exponent == 0 ? std::ldexp(static_cast<float>(mantissa), -24)
                               : std::ldexp(static_cast<float>(mantissa + 0x400), exponent - 25));
}

std::uint64_t weight_bytes(stomp::WeightForm form, std::uint64_t size, std::uint64_t out) {
  switch (form) {
    case stomp::WeightForm::Float32: return 4 * size;
    case stomp::WeightForm::Float16: return 2 * size;
    case stomp::WeightForm::Int8: return size + 4 * out;
    case stomp::WeightForm::Int8Short: return size + 2 * out;
  }
  return 0;
}

}  // namespace

Parts::Parts(const BuildOptions& options, int nesting, const flatbuffers::Vector<std::uint8_t>* numbers)
    : options_(options), nesting_(nesting) {
  if (numbers != nullptr) numbers_ = {numbers->data(), numbers->size()};
}

const std::uint8_t* Parts::take(std::uint64_t bytes, const Where& where) {
  const std::size_t left = numbers_.size() - read_;
  if (bytes > left) {
    refuse(Mistake::kStructure, where,
           "needs " + std::to_string(bytes) + " bytes of numbers; " + std::to_string(left) + " are left");
  }
  const std::uint8_t* found = numbers_.data() + read_;
  read_ += static_cast<std::size_t>(bytes);
  return found;
}

void Parts::done() const {
  if (read_ != numbers_.size()) {
    refuse(Mistake::kStructure, "network",
           "holds " + std::to_string(numbers_.size()) + " bytes of numbers; it needs " + std::to_string(read_));
  }
}

// Weights (out, in, taps), in is of one group, and biases, where they stand in the artifact.
struct Parts::Matrix {
  unsigned out;
  unsigned in;
  unsigned taps;
  stomp::WeightForm form;
  const std::uint8_t* weights;
  stomp::BiasForm bias_form;
  const std::uint8_t* biases;

  float value(std::size_t o, std::size_t i, std::size_t k) const {
    const std::size_t index = (o * in + i) * taps + k;
    const std::uint8_t* scales = weights + std::size_t{out} * in * taps;
    const auto int8 = [&] { return static_cast<float>(static_cast<std::int8_t>(weights[index])); };
    switch (form) {
      case stomp::WeightForm::Float32: return float32_at(weights, index);
      case stomp::WeightForm::Float16: return float16_at(weights, index);
      case stomp::WeightForm::Int8: return int8() * float32_at(scales, o);
      case stomp::WeightForm::Int8Short: return int8() * bfloat16_at(scales, o);
    }
    return 0.0f;
  }

  float bias(std::size_t o) const {
    switch (bias_form) {
      case stomp::BiasForm::Absent: return 0.0f;
      case stomp::BiasForm::Float32: return float32_at(biases, o);
      case stomp::BiasForm::Float16: return float16_at(biases, o);
    }
    return 0.0f;
  }
};

void Parts::finite(const flatbuffers::Vector<float>* values, const Where& where) {
  for (unsigned i = 0; i < count_of(values); ++i) {
    if (!std::isfinite(values->Get(i))) refuse(Mistake::kValue, at(where, i), "is not a finite number");
  }
}

float* Parts::padded(const flatbuffers::Vector<float>* values, unsigned count, int lanes, const Where& where) {
  if (count_of(values) != count) {
    refuse(Mistake::kStructure, where,
           "holds " + std::to_string(count_of(values)) + " values; " + std::to_string(count) + " are needed");
  }
  finite(values, where);
  float* out = options_.memory.floats(static_cast<std::size_t>(lanes));
  for (unsigned i = 0; i < count; ++i) out[i] = values->Get(i);
  return out;
}

Conv Parts::pack(const Matrix& matrix, int dilation, int groups, int segments, const Where& where) {
  const auto in = static_cast<std::size_t>(matrix.in) * static_cast<std::size_t>(groups);
  const std::size_t part = matrix.out / static_cast<unsigned>(segments);
  const auto part_lanes = static_cast<std::size_t>(lanes_for(static_cast<int>(part)));
  const std::size_t lanes = part_lanes * static_cast<std::size_t>(segments);
  const std::size_t group_out = matrix.out / static_cast<unsigned>(groups);
  const auto lane_of = [&](std::size_t o) { return o / part * part_lanes + o % part; };
  const auto finite = [&](float value, const char* what, std::size_t index) {
    if (!std::isfinite(value)) {
      refuse(Mistake::kValue, at(where + what, static_cast<unsigned>(index)), "is not a finite number");
    }
    return value;
  };

  // Grouped weights are spread over the dense matrix: zeros elsewhere.
  float* weights = options_.memory.floats(lanes * in * matrix.taps);
  float* biases = options_.memory.floats(lanes);
  for (std::size_t o = 0; o < matrix.out; ++o) {
    const std::size_t first_in = o / group_out * matrix.in;
    for (std::size_t i = 0; i < matrix.in; ++i) {
      for (std::size_t k = 0; k < matrix.taps; ++k) {
        weights[(k * in + first_in + i) * lanes + lane_of(o)] =
            finite(matrix.value(o, i, k), ".weight", (o * matrix.in + i) * matrix.taps + k);
      }
    }
    biases[lane_of(o)] = finite(matrix.bias(o), ".bias", o);
  }
  return {.kernels = &options_.kernels,
          .weights = weights,
          .bias = biases,
          .taps = static_cast<int>(matrix.taps),
          .dilation = dilation,
          .in_channels = static_cast<int>(in),
          .out_channels = static_cast<int>(part),
          .lanes = static_cast<int>(lanes)};
}

Parts::ConvShape Parts::shape(const stomp::Conv* table, const Where& where) const {
  const stomp::Conv& conv = required(table, where);
  const auto within = [&](const char* what, unsigned found, unsigned most) {
    if (found < 1 || found > most) {
      refuse(Mistake::kLimit, where + what,
             "is " + std::to_string(found) + "; allowed are 1 to " + std::to_string(most));
    }
  };
  within(".out_channels", conv.out_channels(), kMaxChannels * 8);
  within(".in_channels", conv.in_channels(), kMaxChannels * 2);
  within(".kernel", conv.kernel(), kMaxLookback + 1);
  within(".groups", conv.groups(), kMaxChannels);
  within(".dilation", conv.dilation(), kMaxLookback);
  if (conv.weight() > stomp::WeightForm::MAX || conv.bias() > stomp::BiasForm::MAX) {
    refuse(Mistake::kValue, where,
           "has numbers of unknown forms " + std::to_string(static_cast<int>(conv.weight())) + " and " +
               std::to_string(static_cast<int>(conv.bias())));
  }
  if (conv.out_channels() % conv.groups() != 0) {
    refuse(Mistake::kStructure, where,
           "has " + std::to_string(conv.groups()) + " groups for " + std::to_string(conv.out_channels()) +
               " outputs; groups must divide them");
  }
  const std::uint64_t in = std::uint64_t{conv.in_channels()} * conv.groups();
  if (in > kMaxChannels * 2) {
    refuse(Mistake::kLimit, where,
           "takes " + std::to_string(in) + " channels; allowed are " + std::to_string(kMaxChannels * 2));
  }
  return {.out_channels = static_cast<int>(conv.out_channels()),
          .in_channels = static_cast<int>(in),
          .taps = static_cast<int>(conv.kernel())};
}

Conv Parts::conv(const stomp::Conv* table, const Where& where, int in_channels, int taps, int segments,
                 ConvShape* found, unsigned dilation) {
  const ConvShape sizes = shape(table, where);
  if (in_channels != 0 && sizes.in_channels != in_channels) {
    refuse(Mistake::kStructure, where,
           "takes " + std::to_string(sizes.in_channels) + " channels; " + std::to_string(in_channels) + " come in");
  }
  if (sizes.out_channels % segments != 0) {
    refuse(Mistake::kStructure, where,
           "has " + std::to_string(sizes.out_channels) + " outputs; they must fall into " + std::to_string(segments) +
               " equal parts");
  }
  if (taps != 0 && sizes.taps != taps) {
    refuse(Mistake::kStructure, where,
           "has kernel size " + std::to_string(sizes.taps) + "; it must be " + std::to_string(taps));
  }
  const std::uint64_t step = dilation != 0 ? dilation : table->dilation();
  const std::uint64_t lookback = (table->kernel() - std::uint64_t{1}) * step;
  if (step > kMaxLookback || lookback > kMaxLookback) {
    refuse(Mistake::kLimit, where,
           "looks back " + std::to_string(lookback) + " frames (dilation " + std::to_string(step) + "); allowed are " +
               std::to_string(kMaxLookback));
  }
  if (found != nullptr) *found = sizes;
  const std::uint64_t out = table->out_channels();
  const std::uint64_t size = out * table->in_channels() * table->kernel();
  const std::uint8_t* weights = take(weight_bytes(table->weight(), size, out), where + ".weight");
  const std::uint64_t bias_size = table->bias() == stomp::BiasForm::Absent ? 0 : out;
  const std::uint8_t* biases = take((table->bias() == stomp::BiasForm::Float32 ? 4 : 2) * bias_size, where + ".bias");
  const Matrix matrix{.out = table->out_channels(),
                      .in = table->in_channels(),
                      .taps = table->kernel(),
                      .form = table->weight(),
                      .weights = weights,
                      .bias_form = table->bias(),
                      .biases = biases};
  return pack(matrix, static_cast<int>(step), static_cast<int>(table->groups()), segments, where);
}

Conv Parts::gates(const stomp::LstmLayer& table, const Where& where, int* hidden, int* in_channels) {
  const auto checked = [&](const char* what, unsigned found) {
    if (found < 1 || found > kMaxChannels) {
      refuse(Mistake::kLimit, where + what,
             "is " + std::to_string(found) + "; allowed are 1 to " + std::to_string(kMaxChannels));
    }
    return static_cast<int>(found);
  };
  const auto counted = [&](const char* what, const flatbuffers::Vector<float>* values, unsigned needed) {
    if (count_of(values) != needed) {
      refuse(Mistake::kStructure, where + what,
             "holds " + std::to_string(count_of(values)) + " values; " + std::to_string(needed) + " are needed");
    }
    return reinterpret_cast<const std::uint8_t*>(values->data());
  };
  *hidden = checked(".hidden", table.hidden());
  *in_channels = checked(".in_channels", table.in_channels());
  const unsigned out = 4 * table.hidden();
  const unsigned in = table.in_channels() + table.hidden();
  const Matrix matrix{.out = out,
                      .in = in,
                      .taps = 1,
                      .form = stomp::WeightForm::Float32,
                      .weights = counted(".weight", table.weight(), out * in),
                      .bias_form = stomp::BiasForm::Float32,
                      .biases = counted(".bias", table.bias(), out)};
  return pack(matrix, 1, 1, 4, where);
}

Activation Parts::activation(const stomp::Activation* table, const Where& where, int channels) {
  const stomp::Activation& activation = required(table, where);
  using Kind = stomp::ActivationKind;
  const auto shape_of = [&](Kind kind) {
    switch (kind) {
      case Kind::Tanh: return Shape::kTanh;
      case Kind::HardTanh: return Shape::kHardTanh;
      case Kind::FastTanh: return Shape::kFastTanh;
      case Kind::ReLU: return Shape::kReLU;
      case Kind::LeakyReLU: return Shape::kPReLU;
      case Kind::PReLU: return Shape::kPReLU;
      case Kind::Sigmoid: return Shape::kSigmoid;
      case Kind::SiLU: return Shape::kSiLU;
      case Kind::HardSwish: return Shape::kHardSwish;
      case Kind::LeakyHardTanh: return Shape::kLeakyHardTanh;
      case Kind::Softsign: return Shape::kSoftsign;
      case Kind::Softsigmoid: return Shape::kSoftsigmoid;
    }
    refuse(Mistake::kValue, where, "is of unknown kind " + std::to_string(static_cast<int>(kind)));
  };
  const Shape shape = shape_of(activation.kind());
  const unsigned given = count_of(activation.parameters());
  finite(activation.parameters(), where + ".parameters");
  const auto wrong_count = [&](const std::string& needed) {
    refuse(Mistake::kStructure, where, "has " + std::to_string(given) + " parameters; it needs " + needed);
  };

  const float* parameters = nullptr;
  if (shape == Shape::kPReLU) {
    const auto width = static_cast<unsigned>(channels);
    if (given != 1 && (given != width || activation.kind() == Kind::LeakyReLU)) {
      wrong_count(activation.kind() == Kind::LeakyReLU ? "1" : "1, or one for each of " + std::to_string(width));
    }
    float* slopes = options_.memory.floats(static_cast<std::size_t>(lanes_for(channels)));
    for (unsigned c = 0; c < width; ++c) slopes[c] = activation.parameters()->Get(given == 1 ? 0 : c);
    parameters = slopes;
  } else if (shape == Shape::kLeakyHardTanh) {
    if (given != 4) wrong_count("4: min, max, min_slope, max_slope");
    parameters = padded(activation.parameters(), 4, 4, where);
  } else if (given != 0) {
    wrong_count("none");
  }
  const auto accuracy = static_cast<std::size_t>(options_.accuracy);
  return {.function = options_.kernels.activate[accuracy][static_cast<std::size_t>(shape)],
          .shape = shape,
          .parameters = parameters};
}

Film Parts::film(const stomp::Film* table, const Where& where, int condition_channels, int channels, int segments,
                 Rows modulation) {
  if (table == nullptr) return {};
  const int halves = table->shift() ? 2 : 1;
  ConvShape shape;
  Film film{.active = true,
            .shift = table->shift(),
            .conv = conv(table->conv(), where + ".conv", condition_channels, 1, halves * segments, &shape),
            .modulation = modulation};
  if (shape.out_channels != halves * channels) {
    refuse(Mistake::kStructure, where,
           "puts out " + std::to_string(shape.out_channels) + " values; " + std::to_string(halves * channels) +
               " are needed");
  }
  return film;
}

History Parts::history(const HistoryShape& shape) {
  // Whole cache lines of planes: the present then stands on a line's start when blocks are whole lines too.
  constexpr int kLine = 16;
  // From one history to the next, so that they do not all write twins in the same blocks.
  constexpr int kStep = 25 * kLine;
  const auto whole = [](int frames) { return (frames + kLine - 1) / kLine * kLine; };
  const int block = options_.max_frames + shape.slack;
  const int ring = whole(shape.lookback) + whole(block);
  const HistoryLayout layout{.lines = shape.lines,
                             .width = shape.width,
                             .lookback = shape.lookback,
                             .ring = ring,
                             .start = whole(shape.lookback) + histories_++ * kStep % whole(block),
                             .before = whole(options_.max_frames),
                             .capacity = ring + shape.lookback + block};
  return {layout, options_.memory.floats(layout.floats() + kReadSlack)};
}

Rows Parts::rows(int lanes) {
  const auto size = static_cast<std::size_t>(lanes) * static_cast<std::size_t>(options_.max_frames);
  return {options_.memory.floats(size), lanes};
}

}  // namespace nampedal
