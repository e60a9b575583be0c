#include "store/packed_sockets.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace netrec {

namespace {

Socket row_number(std::uint64_t number) {
  Socket row;
  row.cookie = number * 7919 % 100'003 + 1;
  row.local_port = static_cast<std::uint16_t>(number);
  row.bytes_sent = number * 1000;
  return row;
}

}  // namespace

TEST(PackedSockets, GivesBackEveryRowOnce) {
  for (const std::uint64_t count : {0, 1, 1023, 1024, 1025, 5000}) {
    PackedSockets packed;
    for (std::uint64_t i = 0; i < count; ++i) packed.add(row_number(i));
    auto rows = packed.take();
    ASSERT_TRUE(rows);
    ASSERT_EQ(rows->size(), count);
    std::sort(rows->begin(), rows->end(),
              [](const Socket& a, const Socket& b) { return a.bytes_sent < b.bytes_sent; });
    for (std::uint64_t i = 0; i < count; ++i) EXPECT_EQ((*rows)[i], row_number(i));
    EXPECT_EQ(packed.take()->size(), 0U);
  }
}

}  // namespace netrec
