#include "build.h"

#include "parts.h"

namespace nampedal {

BuiltNetwork build_nested(const stomp::Network* network, const BuildOptions& options, int nesting) {
  if (nesting > kMaxNesting) {
    refuse(Mistake::kLimit, "condition",
           "networks stand within one another more than " + std::to_string(kMaxNesting) + " deep");
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
