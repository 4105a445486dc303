#include "parts.h"

#include <algorithm>
#include <cmath>

namespace nampedal {

void refuse(Mistake mistake, std::string_view where, const std::string& what) {
  throw Error(mistake, Where(where) + ' ' + what);
}

Where at(const Where& list, unsigned index) { return list + '[' + std::to_string(index) + ']'; }

// Row-major (out, in, taps), float32 or int8 with a scale per output.
struct Parts::Matrix {
  const stomp::Tensor& table;
  unsigned out;
  unsigned in;
  unsigned taps;

  float value(std::size_t o, std::size_t i, std::size_t k) const {
    const auto index = static_cast<unsigned>((o * in + i) * taps + k);
    if (table.float32() != nullptr) return table.float32()->Get(index);
    return static_cast<float>(table.int8()->Get(index)) * table.scale()->Get(static_cast<unsigned>(o));
  }
};

void Parts::finite(const flatbuffers::Vector<float>* values, const Where& where) {
  for (unsigned i = 0; i < count_of(values); ++i) {
    if (!std::isfinite(values->Get(i))) refuse(Mistake::kValue, at(where, i), "is not a finite number");
  }
}

Parts::Matrix Parts::tensor(const stomp::Tensor* table, const Where& where, unsigned rank) {
  const stomp::Tensor& tensor = required(table, where);
  const unsigned found_rank = count_of(tensor.shape());
  if (found_rank != rank) {
    refuse(Mistake::kStructure, where,
           "has " + std::to_string(found_rank) + " dimensions; " + std::to_string(rank) + " are needed");
  }
  const unsigned limits[] = {kMaxChannels * 8, kMaxChannels * 2, kMaxLookback + 1};
  unsigned shape[3] = {1, 1, 1};
  std::uint64_t size = 1;
  for (unsigned d = 0; d < rank; ++d) {
    shape[d] = tensor.shape()->Get(d);
    if (shape[d] < 1 || shape[d] > limits[d]) {
      refuse(Mistake::kLimit, where,
             "has dimension " + std::to_string(d) + " of " + std::to_string(shape[d]) + "; allowed are 1 to " +
                 std::to_string(limits[d]));
    }
    size *= shape[d];
  }
  const bool is_float = tensor.float32() != nullptr;
  const std::uint64_t found = is_float ? tensor.float32()->size() : count_of(tensor.int8());
  if (is_float == (tensor.int8() != nullptr) || found != size) {
    refuse(Mistake::kStructure, where,
           "holds " + std::to_string(found) + " values; its shape needs " + std::to_string(size) +
               ", as float32 or as int8");
  }
  if (!is_float && count_of(tensor.scale()) != shape[0]) {
    refuse(Mistake::kStructure, where,
           "has " + std::to_string(count_of(tensor.scale())) + " scales; it needs " + std::to_string(shape[0]));
  }
  finite(tensor.float32(), where);
  finite(tensor.scale(), where + ".scale");
  return {tensor, shape[0], shape[1], shape[2]};
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

Conv Parts::pack(const Matrix& weight, const flatbuffers::Vector<float>* bias, int dilation, int groups, int segments,
                 const Where& where) {
  const auto in = static_cast<std::size_t>(weight.in) * static_cast<std::size_t>(groups);
  const std::size_t part = weight.out / static_cast<unsigned>(segments);
  const auto part_lanes = static_cast<std::size_t>(lanes_for(static_cast<int>(part)));
  const std::size_t lanes = part_lanes * static_cast<std::size_t>(segments);
  const std::size_t group_out = weight.out / static_cast<unsigned>(groups);
  const auto lane_of = [&](std::size_t o) { return o / part * part_lanes + o % part; };

  // Grouped weights are spread over the dense matrix: zeros elsewhere.
  float* weights = options_.memory.floats(lanes * in * weight.taps);
  for (std::size_t o = 0; o < weight.out; ++o) {
    const std::size_t first_in = o / group_out * weight.in;
    for (std::size_t i = 0; i < weight.in; ++i) {
      for (std::size_t k = 0; k < weight.taps; ++k) {
        const float value = weight.value(o, i, k);
        if (!std::isfinite(value)) refuse(Mistake::kValue, where, "is not finite once expanded");
        weights[(k * in + first_in + i) * lanes + lane_of(o)] = value;
      }
    }
  }
  float* biases = options_.memory.floats(lanes);
  if (bias != nullptr) {
    if (bias->size() != weight.out) {
      refuse(Mistake::kStructure, where + ".bias",
             "holds " + std::to_string(bias->size()) + " values; " + std::to_string(weight.out) + " are needed");
    }
    finite(bias, where + ".bias");
    for (unsigned o = 0; o < weight.out; ++o) biases[lane_of(o)] = bias->Get(o);
  }
  return {&options_.kernels,
          weights,
          biases,
          static_cast<int>(weight.taps),
          dilation,
          static_cast<int>(in),
          static_cast<int>(part),
          static_cast<int>(lanes)};
}

Conv Parts::conv(const stomp::Conv* table, const Where& where, int in_channels, int taps, int segments,
                 ConvShape* shape) {
  const stomp::Conv& conv = required(table, where);
  const Matrix weight = tensor(conv.weight(), where + ".weight", 3);
  const unsigned groups = conv.groups();
  if (groups < 1 || groups > kMaxChannels || weight.out % groups != 0) {
    refuse(Mistake::kStructure, where,
           "has " + std::to_string(groups) + " groups for " + std::to_string(weight.out) +
               " outputs; groups must divide them");
  }
  const std::uint64_t in = std::uint64_t{weight.in} * groups;
  if (in > kMaxChannels * 2 || (in_channels != 0 && in != static_cast<unsigned>(in_channels))) {
    refuse(Mistake::kStructure, where,
           "takes " + std::to_string(in) + " channels; " +
               (in_channels != 0 ? std::to_string(in_channels) + " come in"
                                 : "allowed are " + std::to_string(kMaxChannels * 2)));
  }
  if (weight.out % static_cast<unsigned>(segments) != 0) {
    refuse(Mistake::kStructure, where,
           "has " + std::to_string(weight.out) + " outputs; they must fall into " + std::to_string(segments) +
               " equal parts");
  }
  if (taps != 0 && weight.taps != static_cast<unsigned>(taps)) {
    refuse(Mistake::kStructure, where,
           "has kernel size " + std::to_string(weight.taps) + "; it must be " + std::to_string(taps));
  }
  const std::uint64_t lookback = std::uint64_t{weight.taps - 1} * conv.dilation();
  if (conv.dilation() < 1 || conv.dilation() > kMaxLookback || lookback > kMaxLookback) {
    refuse(Mistake::kLimit, where,
           "looks back " + std::to_string(lookback) + " frames (dilation " + std::to_string(conv.dilation()) +
               "); allowed are " + std::to_string(kMaxLookback));
  }
  if (shape != nullptr) {
    *shape = {static_cast<int>(weight.out), static_cast<int>(in), static_cast<int>(weight.taps)};
  }
  return pack(weight, conv.bias(), static_cast<int>(conv.dilation()), static_cast<int>(groups), segments, where);
}

Conv Parts::gates(const stomp::LstmLayer& table, const Where& where, int* hidden, int* in_channels) {
  const Matrix weight = tensor(table.weight(), where + ".weight", 2);
  if (weight.out % 4 != 0 || weight.in <= weight.out / 4 || weight.out / 4 > kMaxChannels) {
    refuse(Mistake::kStructure, where + ".weight",
           "is " + std::to_string(weight.out) + " x " + std::to_string(weight.in) +
               "; it must be 4 * hidden x (in + hidden)");
  }
  *hidden = static_cast<int>(weight.out / 4);
  *in_channels = static_cast<int>(weight.in) - *hidden;
  return pack(weight, table.bias(), 1, 1, 4, where);
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
  return {options_.kernels.activate[accuracy][static_cast<std::size_t>(shape)], shape, parameters};
}

Film Parts::film(const stomp::Film* table, const Where& where, int condition_channels, int channels, int segments,
                 Rows modulation) {
  if (table == nullptr) return {};
  const int halves = table->shift() ? 2 : 1;
  ConvShape shape;
  Film film{true, table->shift(),
            conv(table->conv(), where + ".conv", condition_channels, 1, halves * segments, &shape), modulation};
  if (shape.out_channels != halves * channels) {
    refuse(Mistake::kStructure, where,
           "puts out " + std::to_string(shape.out_channels) + " values; " + std::to_string(halves * channels) +
               " are needed");
  }
  return film;
}

History Parts::history(int channels, int lookback, int slack) {
  // Whole cache lines of planes: the present then stands on a line's start when blocks are whole lines too.
  constexpr int kLine = 16;
  // From one history to the next, so that they do not all write twins in the same blocks.
  constexpr int kStep = 25 * kLine;
  const auto whole = [](int frames) { return (frames + kLine - 1) / kLine * kLine; };
  const int block = options_.max_frames + slack;
  History history;
  history.width = lanes_for(channels);
  history.lookback = lookback;
  history.ring = whole(lookback) + whole(block);
  history.start = whole(lookback) + histories_++ * kStep % whole(block);
  history.before = whole(options_.max_frames);
  history.capacity = history.ring + lookback + block;
  return history;
}

void Parts::allocate(History& history) {
  const auto frames = static_cast<std::size_t>(history.before + history.capacity);
  const auto width = static_cast<std::size_t>(history.width);
  if (history.lines > 1) history.line_stride = plane_stride(history.before + history.capacity);
  const auto lines = static_cast<std::size_t>(history.lines);
  const std::size_t size = history.lines > 1 ? lines * static_cast<std::size_t>(history.line_stride) : frames * width;
  history.data = options_.memory.floats(size + kReadSlack) + static_cast<std::size_t>(history.before) * width;
}

Rows Parts::rows(int lanes) {
  const auto size = static_cast<std::size_t>(lanes) * static_cast<std::size_t>(options_.max_frames);
  return {options_.memory.floats(size), lanes};
}

}  // namespace nampedal
