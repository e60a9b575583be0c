#include "store/packed_column.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <random>

namespace netrec {
namespace {

/// Columns of every transform and packing.
std::vector<Column> columns_of(std::size_t rows) {
  std::mt19937_64 random(rows);
  const auto made = [&](const std::function<std::uint64_t(std::size_t)>& value) {
    Column column(rows);
    for (std::size_t i = 0; i < rows; ++i) column[i] = value(i);
    return column;
  };
  return {made([](std::size_t) { return 7; }),
          made([](std::size_t i) { return i % 2 == 0 ? 0 : UINT64_MAX; }),
          made([&](std::size_t) { return random(); }),
          made([&](std::size_t) { return random() % 256; }),
          made([&](std::size_t) { return 1'000'000 + random() % 60'000; }),
          made([&](std::size_t) { return random() >> (random() % 64); }),
          made([&](std::size_t) { return (random() % 5) * 1'000'000'007; }),
          made([&](std::size_t) { return (random() % 8192) >> (random() % 13); }),
          made([&](std::size_t i) { return 1'700'000'000'000'000 + i * 1000 + random() % 700; }),
          made([&](std::size_t i) { return 1'700'000'000'000'000 - i * 1000 - random() % 700; })};
}

std::vector<std::uint32_t> rows_holding(const Column& column, const Column& wanted) {
  std::vector<std::uint32_t> rows;
  for (std::size_t row = 0; row < column.size(); ++row)
    if (std::find(wanted.begin(), wanted.end(), column[row]) != wanted.end())
      rows.push_back(static_cast<std::uint32_t>(row));
  return rows;
}

void find_in(const std::string& bytes, const Column& column) {
  const std::size_t rows = column.size();
  const auto packed = PackedColumn::open(bytes, rows);
  ASSERT_TRUE(packed) << packed.error().message;
  EXPECT_EQ(packed->greatest(), *std::max_element(column.begin(), column.end()));
  std::vector<std::uint32_t> each(rows);
  std::iota(each.begin(), each.end(), 0);
  EXPECT_EQ(packed->at(each), column);
  EXPECT_EQ(packed->at(std::vector<std::uint32_t>(each.rbegin(), each.rend())),
            Column(column.rbegin(), column.rend()));
  for (const Column& wanted :
       {Column{column[rows / 2], column[rows - 1], column[0], 12'345, UINT64_MAX},
        Column{column[rows / 3]}, Column{12'345}, Column{},
        Column(column.begin(),
               column.begin() + static_cast<std::ptrdiff_t>(std::min(rows, std::size_t{200})))})
    EXPECT_EQ(packed->rows_of(wanted), rows_holding(column, wanted));
}

TEST(PackedColumn, FindsWhatUnpackingItWholeDoes) {
  for (const std::size_t rows : {1, 2, 7, 255, 256, 257, 1000, 9000})
    for (const Column& column : columns_of(rows))
      for (const ColumnUse use : {ColumnUse::read, ColumnUse::search})
        find_in(encode_column(column, use), column);
}

TEST(PackedColumn, RefusesWhatIsRefusedAsAWhole) {
  for (const Column& column : columns_of(200)) {
    const std::string bytes = encode_column(column);
    for (std::size_t size = 0; size < bytes.size(); ++size)
      EXPECT_FALSE(PackedColumn::open(bytes.substr(0, size), 200)) << size;
    EXPECT_FALSE(PackedColumn::open(bytes + '\0', 200));
    for (std::size_t i = 0; i < bytes.size(); ++i)
      for (int bit = 0; bit < 8; ++bit) {
        std::string altered = bytes;
        altered[i] = static_cast<char>(altered[i] ^ (1 << bit));
        const auto whole = decode_column(altered, 200);
        const auto packed = PackedColumn::open(altered, 200);
        ASSERT_EQ(bool(whole), bool(packed));
        if (!whole) continue;
        std::vector<std::uint32_t> each(200);
        std::iota(each.begin(), each.end(), 0);
        EXPECT_EQ(packed->at(each), *whole);
        const Column wanted = {column[7], column[100], 0};
        EXPECT_EQ(packed->rows_of(wanted), rows_holding(*whole, wanted));
      }
  }
}

}  // namespace
}  // namespace netrec
