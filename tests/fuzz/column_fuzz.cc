// layer: store
// A column: two bytes say how many rows it should have. What is read is packed again and must read
// the same.
#include "store/column.h"

#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace netrec;
  if (size < 2) return 0;
  const std::size_t rows = bytes[0] + std::size_t{256} * bytes[1];
  const std::string_view all(reinterpret_cast<const char*>(bytes), size);
  const auto column = decode_column(all.substr(2), rows);
  if (!column || column->empty()) return 0;
  const auto again = decode_column(encode_column(*column), rows);
  NETREC_CHECK(again && *again == *column, "a column does not survive being packed");
  return 0;
}
