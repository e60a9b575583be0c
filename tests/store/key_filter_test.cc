#include "store/key_filter.h"

#include <gtest/gtest.h>

namespace netrec {
namespace {

std::vector<std::uint64_t> keys(std::size_t count) {
  std::vector<std::uint64_t> keys;
  for (std::size_t i = 0; i < count; ++i) keys.push_back(i * i * 2654435761u + i);
  return keys;
}

KeyFilter read_back(const KeyFilter& filter) {
  std::string bytes;
  filter.encode(bytes);
  ByteReader in(bytes);
  KeyFilter read = KeyFilter::decode(in);
  EXPECT_TRUE(in.at_end());
  return read;
}

TEST(KeyFilter, NeverDeniesAKey) {
  for (const std::size_t count : {0, 1, 24, 25, 26, 100, 5000}) {
    const KeyFilter filter = read_back(KeyFilter::of(keys(count), 1 << 16));
    for (const std::uint64_t key : keys(count)) EXPECT_TRUE(filter.may_contain(key)) << count;
  }
}

TEST(KeyFilter, IsSeldomWrong) {
  const KeyFilter filter = read_back(KeyFilter::of(keys(5000), 1 << 16));
  int wrong = 0;
  for (std::uint64_t other = 0; other < 100'000; ++other)
    wrong += filter.may_contain(other + (std::uint64_t{1} << 60)) ? 1 : 0;
  EXPECT_LT(wrong, 600);  // One in 256 is 390.
}

TEST(KeyFilter, OfNothingHoldsNothing) {
  EXPECT_FALSE(KeyFilter::of({}, 10).may_contain(0));
  EXPECT_FALSE(KeyFilter().may_contain(7));
}

TEST(KeyFilter, OfTooManyHoldsAnything) {
  const KeyFilter filter = read_back(KeyFilter::of(keys(101), 100));
  EXPECT_TRUE(filter.holds_anything());
  EXPECT_TRUE(filter.may_contain(999));
}

TEST(KeyFilter, CutIsRefused) {
  for (const std::size_t count : {5, 200}) {
    std::string bytes;
    KeyFilter::of(keys(count), 1 << 16).encode(bytes);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      ByteReader in(std::string_view(bytes).substr(0, size));
      (void)KeyFilter::decode(in);
      EXPECT_FALSE(in.ok()) << size;
    }
  }
}

}  // namespace
}  // namespace netrec
