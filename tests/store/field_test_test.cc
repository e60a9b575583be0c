#include "store/field_test.h"

#include <gtest/gtest.h>

namespace netrec {
namespace {

TEST(FieldTest, HoldsWhereSqlWouldSaySo) {
  const std::int64_t bounds[] = {INT64_MIN, -7, -1, 0, 1, 7, INT64_MAX - 1, INT64_MAX};
  const std::uint64_t values[] = {
      0, 1, 6, 7, 8, INT64_MAX - 1, INT64_MAX, std::uint64_t{1} << 63, UINT64_MAX - 6, UINT64_MAX};
  for (const bool is_null : {false, true})
    for (const bool is_signed : {false, true})
      for (const std::int64_t least : bounds)
        for (const std::int64_t most : bounds)
          for (const std::uint64_t value : values) {
            const FieldTest test{.field = 0,
                                 .zero_is_null = is_null,
                                 .is_signed = is_signed,
                                 .least = least,
                                 .most = most};
            const std::int64_t shown =
                is_signed ? static_cast<std::int64_t>(value) : sql_number(value);
            const bool holds = !(is_null && value == 0) && shown >= least && shown <= most;
            EXPECT_EQ(test.holds(value), holds)
                << value << " in [" << least << ", " << most << "]" << is_signed << is_null;
          }
}

}  // namespace
}  // namespace netrec
