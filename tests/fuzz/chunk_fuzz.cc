// layer: store
// A chunk: two bytes say how long the header (without its checksum) is, the body follows. All
// checksums are made good, or nothing behind them would ever be reached.
#include <cstdint>
#include <string_view>

#include "tests/store/hostile_chunk.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace netrec;
  if (size < 2) return 0;
  const std::string_view all(reinterpret_cast<const char*>(bytes), size);
  const std::size_t header = bytes[0] + std::size_t{256} * bytes[1];
  if (header + 2 > size) return 0;
  const auto chunk = with_good_checksums(all.substr(2, header), all.substr(2 + header));
  if (chunk) read_everything(*chunk);
  return 0;
}
