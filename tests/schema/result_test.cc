#include "schema/result.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace netrec {
namespace {

Result<int> parse(bool works) {
  if (!works) return failure(ErrorKind::corrupt, "no {}", "number");
  return 7;
}

Result<int> twice(bool works) {
  NETREC_TRY(number, parse(works));
  return 2 * number;
}

Status check(bool works) {
  NETREC_CHECKED(twice(works));
  return {};
}

TEST(Result, CarriesTheValueOrTheErrorOutward) {
  EXPECT_EQ(twice(true).value(), 14);
  ASSERT_FALSE(twice(false));
  EXPECT_EQ(twice(false).error().kind, ErrorKind::corrupt);
  EXPECT_TRUE(check(true));
  EXPECT_EQ(check(false).error().message, "no number");
}

TEST(Error, ReadsFromWhatWasDoneToTheCause) {
  const Error error = Error{ErrorKind::io, "disk on fire"}.while_doing("open x");
  EXPECT_EQ(error.message, "open x: disk on fire");
}

TEST(Error, OfASystemCallHasItsCategory) {
  EXPECT_EQ(system_error(ENOENT, "open").kind, ErrorKind::not_found);
  EXPECT_EQ(system_error(EACCES, "open").kind, ErrorKind::permission);
  EXPECT_EQ(system_error(ENOSPC, "write").kind, ErrorKind::full);
  EXPECT_EQ(system_error(EIO, "write").kind, ErrorKind::io);
}

TEST(InvariantDeathTest, EndsTheProgramWithItsText) {
  EXPECT_DEATH(NETREC_CHECK(1 == 2, "one is two"), "broken invariant: one is two");
}

}  // namespace
}  // namespace netrec
