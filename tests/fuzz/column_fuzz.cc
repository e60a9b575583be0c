// layer: store
// A column: two bytes say how many rows it should have. What is read is packed again and must read
// the same, and so must its rows one by one.
#include "store/column.h"

#include <cstdint>
#include <numeric>
#include <string_view>

#include "store/packed_column.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace netrec;
  if (size < 2) return 0;
  const std::size_t rows = bytes[0] + std::size_t{256} * bytes[1];
  const std::string_view all(reinterpret_cast<const char*>(bytes), size);
  const auto column = decode_column(all.substr(2), rows);
  const auto packed = PackedColumn::open(all.substr(2), rows);
  NETREC_CHECK(bool(column) == bool(packed), "a column is one only as a whole");
  if (!column || column->empty()) return 0;
  std::vector<std::uint32_t> each(rows);
  std::iota(each.begin(), each.end(), 0);
  NETREC_CHECK(packed->at(each) == *column, "rows are others one by one");
  const auto again = decode_column(encode_column(*column), rows);
  NETREC_CHECK(again && *again == *column, "a column does not survive being packed");
  return 0;
}
