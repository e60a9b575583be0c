#include "store/row_identity.h"

#include <algorithm>
#include <cstring>

namespace netrec {

void RowIdentity::real(double value) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  add(3, bits);
}

void RowIdentity::text(std::string_view bytes) {
  add(4, bytes.size());
  while (!bytes.empty()) {
    std::uint64_t word = 0;
    const std::size_t size = std::min(bytes.size(), sizeof word);
    std::memcpy(&word, bytes.data(), size);
    add(5, word);
    bytes.remove_prefix(size);
  }
}

}  // namespace netrec
