// Writes altered copies of a sound timeline (tests/store/hostile_timeline.h), each the same in
// every run:
//
//   make_hostile SOUND FOLDER COUNT    each differs from it in one to four fields, at random
//   make_hostile --one SOUND PATH WHERE ROW FIELD HOW VALUE    one, in the field that is named
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>

#include "tests/store/hostile_timeline.h"

namespace {

void write(const std::filesystem::path& sound, const std::filesystem::path& path,
           std::string_view mutations) {
  std::filesystem::copy_file(sound, path, std::filesystem::copy_options::overwrite_existing);
  netrec::HostileTimeline::alter(path, mutations);
}

int write_one(char** argv) {
  const auto number = [&](int i) { return std::strtoull(argv[i], nullptr, 10); };
  netrec::Mutation one;
  one.where = static_cast<std::uint8_t>(number(4));
  one.row = static_cast<std::uint8_t>(number(5));
  one.field = static_cast<std::uint16_t>(number(6));
  one.how = static_cast<std::uint8_t>(number(7));
  one.value = number(8);
  std::string bytes(netrec::Mutation::kBytes, '\0');
  one.encode(reinterpret_cast<std::uint8_t*>(bytes.data()));
  write(argv[2], argv[3], bytes);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 9 && std::string(argv[1]) == "--one") return write_one(argv);
  if (argc != 4) return 2;
  const std::filesystem::path folder = argv[2];
  const int count = std::atoi(argv[3]);
  for (int number = 0; number < count; ++number) {
    std::mt19937_64 random(static_cast<std::uint64_t>(number));
    std::string mutations(netrec::Mutation::kBytes * (1 + random() % 4), '\0');
    for (char& byte : mutations) byte = static_cast<char>(random());
    write(argv[1], folder / (std::to_string(number) + ".netrec"), mutations);
  }
  return 0;
}
