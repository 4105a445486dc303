// Plays a file of little-endian float32 through one tier of an artifact, twice, with a reset between.
//
//   consumer ARTIFACT TIER MAX_FRAMES BLOCK ISA IN OUT    OUT gets the first time; the second has to be the same
//
// BLOCK: frames of each call. ISA: "" is the best. Prints the artifact's rate and tiers, and what plays it. An error
// is one line: its kind and its text.
#include <nampedal/engine.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <vector>

using namespace nampedal;

namespace {

std::vector<char> bytes_of(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<float> play(engine::Player& player, const std::vector<float>& in, std::size_t block) {
  const auto ins = static_cast<std::size_t>(player.in_channels());
  const auto outs = static_cast<std::size_t>(player.out_channels());
  const std::size_t frames = in.size() / ins;
  std::vector<float> out(frames * outs);
  for (std::size_t done = 0; done < frames; done += block) {
    const std::size_t now = frames - done < block ? frames - done : block;
    player.process(in.data() + done * ins, out.data() + done * outs, now);
  }
  return out;
}

}  // namespace

int main(int count, char** arguments) try {
  if (count != 8) return 2;
  const char* path = arguments[1];
  const auto opened = engine::Artifact::open(path);
  const std::vector<char> bytes = bytes_of(path);
  const auto copied = engine::Artifact::from_bytes(std::as_bytes(std::span(bytes)), "copy");
  if (copied.tiers().size() != opened.tiers().size() || copied.sample_rate() != opened.sample_rate()) return 3;

  engine::Player player(copied,
                        {.tier = std::atoi(arguments[2]), .max_frames = std::atoi(arguments[3]), .isa = arguments[5]});
  const std::vector<char> raw = bytes_of(arguments[6]);
  std::vector<float> in(raw.size() / sizeof(float));
  std::copy(raw.begin(), raw.end(), reinterpret_cast<char*>(in.data()));

  const auto block = static_cast<std::size_t>(std::atoi(arguments[4]));
  const std::vector<float> first = play(player, in, block);
  player.reset();
  engine::Player moved(std::move(player));
  if (play(moved, in, block) != first) return 4;
  std::ofstream(arguments[7], std::ios::binary)
      .write(reinterpret_cast<const char*>(first.data()), static_cast<std::streamsize>(first.size() * sizeof(float)));

  std::printf("%g Hz %d %s %s\n", moved.sample_rate(), moved.max_frames(), moved.isa(),
              moved.memory_bytes() > 0 ? "ready" : "empty");
  for (const engine::Tier& tier : opened.tiers()) {
    std::printf("%g %zu %zu %zu\n", tier.size_below, tier.parameters, tier.macs_per_frame, tier.receptive_field_frames);
  }
  return 0;
} catch (const engine::Error& error) {
  std::fprintf(stderr, "%d %s\n", static_cast<int>(error.kind()), error.what());
  return 1;
}
