#include "store/column.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "store/compression.h"

namespace netrec {
namespace {

void expect_survives(const Column& values) {
  const auto read = decode_column(encode_column(values), values.size());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, values);
}

Column spread(std::size_t rows, int bits, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Column values(rows);
  for (std::uint64_t& value : values)
    value = random() >> (64 - 1 - random() % static_cast<std::uint64_t>(bits));
  return values;
}

TEST(Column, SurvivesWhateverTheNumbersAre) {
  for (const std::size_t rows : {1, 2, 3, 31, 33, 1000, 20'000}) {
    for (const int bits : {1, 7, 8, 9, 20, 33, 63}) expect_survives(spread(rows, bits, rows));
    Column extremes(rows, 5);
    extremes[rows / 2] = UINT64_MAX;
    expect_survives(extremes);
    extremes.back() = 0;
    expect_survives(extremes);
    Column ascending(rows);
    for (std::size_t i = 0; i < rows; ++i) ascending[i] = 1'700'000'000'000'000 + i * i;
    expect_survives(ascending);
    Column descending(ascending.rbegin(), ascending.rend());
    expect_survives(descending);
    Column few(rows);
    for (std::size_t i = 0; i < rows; ++i) few[i] = (i * 7919 % 5) * 1'000'000'007;
    expect_survives(few);
  }
}

TEST(Column, OfOneNumberTakesTwoBytes) { EXPECT_EQ(encode_column(Column(5000, 9)).size(), 2u); }

TEST(Column, ComesNearTheEntropyOfSpreadNumbers) {
  std::mt19937_64 random(1);
  std::normal_distribution<double> normal(10, 1.5);
  Column values(40'000);
  for (std::uint64_t& value : values) value = static_cast<std::uint64_t>(std::exp(normal(random)));
  // A log-normal of median e^10 and spread 1.5 has log2(e^10 * 1.5 * sqrt(2 pi e)) = 17.06 bits.
  EXPECT_LT(encode_column(values).size(), 40'000 * 17.06 / 8 * 1.05);
}

// In bytes that come in no order, matches of three are found by chance and cost more than they
// save.
TEST(Column, OfNumbersInNoOrderIsToldByTheirFrequencies) {
  std::mt19937_64 random(3);
  std::string lengths(20'000, '\0');
  for (char& length : lengths)
    length = static_cast<char>(std::binomial_distribution<int>(20, 0.5)(random));
  const std::string told = compress_by_frequency(lengths);
  EXPECT_LT(told.size(), compress(lengths).size());
  const auto undone = decompress(told, lengths.size());
  ASSERT_TRUE(undone) << undone.error().message;
  EXPECT_EQ(*undone, lengths);
}

// Nearly all the same, or again and again: there matches say much in little.
TEST(Column, ThatRepeatsIsStillSmall) {
  Column rare(20'000, 9);
  for (std::size_t row = 0; row < rare.size(); row += 997) rare[row] = row;
  EXPECT_LT(encode_column(rare).size(), 400u);
  Column again(20'000);
  for (std::size_t row = 0; row < again.size(); ++row) again[row] = row * row % 251;
  EXPECT_LT(encode_column(again).size(), 1000u);
}

TEST(Column, ThatIsSearchedIsToldByPlanesIfTheyTakeLittleMore) {
  std::mt19937_64 random(1);
  Column places(20'000), spread(20'000);
  for (std::uint64_t& place : places) place = (random() % 8192) >> (random() % 13);
  for (std::uint64_t& number : spread) number = random() >> (random() % 64);
  const auto by_planes = [](const std::string& bytes) { return bytes[0] % 2 == 1; };
  EXPECT_FALSE(by_planes(encode_column(places)));
  EXPECT_TRUE(by_planes(encode_column(places, ColumnUse::search)));
  EXPECT_LT(encode_column(places, ColumnUse::search).size() * 100,
            encode_column(places).size() * 106);
  EXPECT_FALSE(by_planes(encode_column(spread, ColumnUse::search)));
}

TEST(Column, CutOrOfAnotherLengthIsRefused) {
  for (const int bits : {5, 12, 40}) {
    const Column values = spread(300, bits, 3);
    const std::string bytes = encode_column(values);
    for (std::size_t size = 0; size < bytes.size(); ++size)
      EXPECT_FALSE(decode_column(std::string_view(bytes).substr(0, size), values.size())) << size;
    EXPECT_FALSE(decode_column(bytes + '\0', values.size()));
    EXPECT_FALSE(decode_column(bytes, 0));
  }
}

TEST(Column, FlippedIsAnErrorOrOtherNumbers) {
  const Column values = spread(200, 30, 4);
  const std::string bytes = encode_column(values);
  for (std::size_t i = 0; i < bytes.size(); ++i)
    for (int bit = 0; bit < 8; ++bit) {
      std::string altered = bytes;
      altered[i] = static_cast<char>(altered[i] ^ (1 << bit));
      const auto read = decode_column(altered, values.size());
      EXPECT_TRUE(!read || read->size() == values.size());
    }
}

}  // namespace
}  // namespace netrec
