// Building blocks of build_*.cpp: one table of the artifact each, checked and bound.
#pragma once

#include <string>
#include <string_view>

#include "../rt/layers.h"
#include "build.h"
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
  Parts(const BuildOptions& options, int nesting) : options_(options), nesting_(nesting) {}

  struct ConvShape {
    int out_channels = 0;
    int in_channels = 0;
    int taps = 0;
  };

  // in_channels: what it must take; 0: anything. taps: what it must have; 0: any number.
  // segments: into how many equal parts the outputs fall, each padded to lanes by itself.
  Conv conv(const stomp::Conv* table, const Where& where, int in_channels, int taps, int segments = 1,
            ConvShape* shape = nullptr);

  // An LSTM's gates: weight (4 * hidden, in + hidden) as a convolution of one tap.
  Conv gates(const stomp::LstmLayer& table, const Where& where, int* hidden, int* in_channels);

  // channels: of what it is applied to.
  Activation activation(const stomp::Activation* table, const Where& where, int channels);

  // channels: of what it modulates, falling into `segments`. Absent: inactive.
  Film film(const stomp::Film* table, const Where& where, int condition_channels, int channels, int segments,
            Rows modulation);

  // Sized, not yet allocated. slack: frames behind a block that may be written.
  History history(int channels, int lookback, int slack = 0);
  void allocate(History& history);
  Rows rows(int lanes);
  // (lanes,) from a list of `count` finite values.
  float* padded(const flatbuffers::Vector<float>* values, unsigned count, int lanes, const Where& where);
  void finite(const flatbuffers::Vector<float>* values, const Where& where);

  const BuildOptions& options() const { return options_; }
  int nesting() const { return nesting_; }

 private:
  struct Matrix;
  Matrix tensor(const stomp::Tensor* table, const Where& where, unsigned rank);
  Conv pack(const Matrix& weight, const flatbuffers::Vector<float>* bias, int dilation, int groups, int segments,
            const Where& where);

  const BuildOptions& options_;
  int nesting_;
  int histories_ = 0;
};

BuiltNetwork build_wavenet(const stomp::WaveNet& table, Parts& parts);
BuiltNetwork build_convnet(const stomp::ConvNet& table, Parts& parts);
BuiltNetwork build_lstm(const stomp::Lstm& table, Parts& parts);
BuiltNetwork build_linear(const stomp::Linear& table, Parts& parts);
// `nesting`: how many networks it stands within.
BuiltNetwork build_nested(const stomp::Network* network, const BuildOptions& options, int nesting);

}  // namespace nampedal
