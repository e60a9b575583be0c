// layer: store
// Rows of the search index with sums made good: first byte which, then its bytes.
#include <cstddef>
#include <cstdint>
#include <string>

#include "store/bytes.h"
#include "store/checksum.h"
#include "store/search_group.h"

namespace {

std::string with_sum(std::initializer_list<std::uint64_t> row, const std::string& bytes) {
  std::string all;
  for (const std::uint64_t number : row) netrec::put_fixed64(all, number);
  std::string summed = bytes;
  netrec::put_fixed32(summed, netrec::checksum(all + bytes));
  return summed;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::size_t chunks = 1 + data[1];
  const std::uint64_t id = netrec::page_id(3, netrec::KeyKind::program, data[1]);
  switch (data[0] % 3) {
    case 0:
      static_cast<void>(netrec::ShortKeys::decode(with_sum({}, bytes)));
      break;
    case 1:
      static_cast<void>(
          netrec::SearchGroup::decode(3, 5, 5 + data[1], with_sum({3, 5, 5u + data[1]}, bytes)));
      break;
    default:
      static_cast<void>(netrec::read_page(id, with_sum({id}, bytes), chunks));
      static_cast<void>(netrec::find_in_page(id, with_sum({id}, bytes), data[1], chunks));
  }
  return 0;
}
