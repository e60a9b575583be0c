// Writes altered copies of a sound timeline: make_hostile SOUND FOLDER COUNT. Each differs from it
// in one to four fields, the same in every run (tests/store/hostile_timeline.h).
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>

#include "tests/store/hostile_timeline.h"

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const std::filesystem::path folder = argv[2];
  const int count = std::atoi(argv[3]);
  for (int number = 0; number < count; ++number) {
    std::mt19937_64 random(static_cast<std::uint64_t>(number));
    std::string mutations(netrec::Mutation::kBytes * (1 + random() % 4), '\0');
    for (char& byte : mutations) byte = static_cast<char>(random());
    const std::filesystem::path path = folder / (std::to_string(number) + ".netrec");
    std::filesystem::copy_file(argv[1], path);
    netrec::HostileTimeline::alter(path, mutations);
  }
  return 0;
}
