#include "dsp/setup/build.h"

#include "dsp/setup/parts.h"

namespace nampedal {

BuiltNetwork build_nested(const stomp::Network* network, const BuildOptions& options, int nesting) {
  if (nesting > kMaxNesting) {
    refuse(Mistake::kLimit, "network", "stands within more than " + std::to_string(kMaxNesting) + " others");
  }
  required(network, "network");
  Parts parts(options, nesting, network->numbers());
  const auto built = [&] {
    switch (network->architecture_type()) {
      case stomp::Architecture::WaveNet:
        return build_wavenet(required(network->architecture_as_WaveNet(), "network"), parts);
      case stomp::Architecture::ConvNet:
        return build_convnet(required(network->architecture_as_ConvNet(), "network"), parts);
      case stomp::Architecture::Lstm: return build_lstm(required(network->architecture_as_Lstm(), "network"), parts);
      case stomp::Architecture::Linear:
        return build_linear(required(network->architecture_as_Linear(), "network"), parts);
      case stomp::Architecture::Sequential:
        return build_sequential(required(network->architecture_as_Sequential(), "network"), parts);
      case stomp::Architecture::NONE: break;
    }
    refuse(Mistake::kStructure, "network",
           "is of unknown architecture " + std::to_string(static_cast<int>(network->architecture_type())));
  }();
  parts.done();
  return built;
}

BuiltNetwork build_network(const stomp::Network* network, const BuildOptions& options) {
  return build_nested(network, options, 0);
}

}  // namespace nampedal
