#include "schema/key_hash.h"

#include <gtest/gtest.h>

#include "schema/interface.h"
#include "schema/table.h"

namespace netrec {
namespace {

TEST(KeyHash, KeysThatAgreeInTheirLowBitsAreFoundAsFastAsOthers) {
  Table<Counter> numbered;
  Table<Interface> alike;
  constexpr std::uint32_t kRows = 50'000;
  for (std::uint32_t i = 1; i <= kRows; ++i) {
    numbered.insert({.value = 0, .id = i, .network_namespace = 0, .name = 0});
    Interface row;
    row.network_namespace = i;  // The upper half of the key.
    alike.insert(row);
  }
  EXPECT_EQ(numbered.size(), kRows);
  EXPECT_EQ(alike.size(), kRows);
  EXPECT_NE(alike.find(std::uint64_t{kRows} << 32), nullptr);
  EXPECT_EQ(alike.find(1), nullptr);
}

}  // namespace
}  // namespace netrec
