// Building blocks of build_*.cpp: one table of the artifact each, checked and bound.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "dsp/rt/layers.h"
#include "dsp/setup/build.h"
#include "stomp_generated.h"

namespace nampedal {

// Where in the network something stands, for messages: "arrays[1].layers[3].conv".
using Where = std::string;

[[noreturn]] void refuse(Mistake mistake, std::string_view where, const std::string& what);

// Throws kStructure when a required table is missing.
template <class T>
const T& required(const T* table, std::string_view where) {
  if (table == nullptr) refuse(Mistake::kStructure, where, "is missing");
  return *table;
}

template <class T>
unsigned count_of(const flatbuffers::Vector<T>* list) {
  return list == nullptr ? 0 : list->size();
}

// Entries of a list that needs at least `least`, at most kMaxLayers.
template <class T>
unsigned checked_count(const flatbuffers::Vector<T>* list, unsigned least, const Where& where) {
  const unsigned count = count_of(list);
  if (count < least || count > kMaxLayers) {
    refuse(Mistake::kStructure, where,
           "has " + std::to_string(count) + " entries; allowed are " + std::to_string(least) + " to " +
               std::to_string(kMaxLayers));
  }
  return count;
}

Where at(const Where& list, unsigned index);

class Parts {
 public:
  // numbers: of the network's convolutions, read in their order.
  Parts(const BuildOptions& options, int nesting, const flatbuffers::Vector<std::uint8_t>* numbers);

  struct ConvShape {
    int out_channels = 0;
    int in_channels = 0;
    int taps = 0;
  };

  // What a convolution takes and puts out, checked; its numbers are not read.
  ConvShape shape(const stomp::Conv* table, const Where& where) const;

  // in_channels: what it must take; 0: anything. taps: what it must have; 0: any number.
  // segments: into how many equal parts the outputs fall, each padded to lanes by itself.
  // dilation: 0: the table's own.
  Conv conv(const stomp::Conv* table, const Where& where, int in_channels, int taps, int segments = 1,
            ConvShape* shape = nullptr, unsigned dilation = 0);
  // Throws unless every number was read.
  void done() const;

  // An LSTM's gates: weight (4 * hidden, in + hidden) as a convolution of one tap.
  Conv gates(const stomp::LstmLayer& table, const Where& where, int* hidden, int* in_channels);

  // channels: of what it is applied to.
  Activation activation(const stomp::Activation* table, const Where& where, int channels);

  // channels: of what it modulates, falling into `segments`. Absent: inactive.
  Film film(const stomp::Film* table, const Where& where, int condition_channels, int channels, int segments,
            Rows modulation);

  // How the past of one signal is kept: in lines of `width` floats a frame.
  struct HistoryShape {
    int lines = 1;
    int width = 0;
    int lookback = 0;
    int slack = 0;  // frames behind a block that may be written
  };
  History history(const HistoryShape& shape);
  // Of rows of so many channels.
  History history(int channels, int lookback) { return history({.width = lanes_for(channels), .lookback = lookback}); }
  Rows rows(int lanes);
  // (lanes,) from a list of `count` finite values.
  float* padded(const flatbuffers::Vector<float>* values, unsigned count, int lanes, const Where& where);
  void finite(const flatbuffers::Vector<float>* values, const Where& where);

  const BuildOptions& options() const { return options_; }
  int nesting() const { return nesting_; }

 private:
  struct Matrix;
  // So many bytes of the numbers.
  const std::uint8_t* take(std::uint64_t bytes, const Where& where);
  Conv pack(const Matrix& matrix, int dilation, int groups, int segments, const Where& where);

  const BuildOptions& options_;
  int nesting_;
  std::span<const std::uint8_t> numbers_;
  std::size_t read_ = 0;
  int histories_ = 0;
};

BuiltNetwork build_wavenet(const stomp::WaveNet& table, Parts& parts);
BuiltNetwork build_convnet(const stomp::ConvNet& table, Parts& parts);
BuiltNetwork build_lstm(const stomp::Lstm& table, Parts& parts);
BuiltNetwork build_linear(const stomp::Linear& table, Parts& parts);
BuiltNetwork build_sequential(const stomp::Sequential& table, Parts& parts);
// `nesting`: how many networks it stands within.
BuiltNetwork build_nested(const stomp::Network* network, const BuildOptions& options, int nesting);

}  // namespace nampedal
