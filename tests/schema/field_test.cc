#include "schema/field.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "schema/delta.h"

namespace netrec {
namespace {

template <class T>
class FieldTable : public testing::Test {};

using Entities = testing::Types<Text, Session, Gap, User, NetworkNamespace, Process, Interface,
                                Counter, Socket, Peer, Resolution>;
TYPED_TEST_SUITE(FieldTable, Entities);

TYPED_TEST(FieldTable, NamesEachFieldOnceAndSaysWhatItIs) {
  std::set<std::string_view> names;
  for (const auto& field : fields_of<TypeParam>()) {
    EXPECT_TRUE(names.insert(field.name).second) << field.name;
    EXPECT_FALSE(field.about.empty()) << field.name;
    EXPECT_EQ(field.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"),
              std::string_view::npos)
        << field.name;
  }
}

TYPED_TEST(FieldTable, ReadsBackWhatItWroteAndTouchesNothingElse) {
  const auto fields = fields_of<TypeParam>();
  for (const auto& field : fields) {
    TypeParam row{};
    field.set(row, 2);
    EXPECT_EQ(field.get(row), 2u) << field.name;
    int touched = 0;
    for (const auto& other : fields) touched += other.get(row) != other.get(TypeParam{}) ? 1 : 0;
    EXPECT_EQ(touched, 1) << field.name;
  }
}

TYPED_TEST(FieldTable, SaysTheUnitOfTimesInTheName) {
  for (const auto& field : fields_of<TypeParam>()) {
    const std::string name(field.name);
    if (field.kind == FieldKind::instant_us) {
      EXPECT_TRUE(name.ends_with("_us")) << name;
    }
    if (field.kind == FieldKind::instant_ms) {
      EXPECT_TRUE(name.ends_with("_ms")) << name;
    }
  }
}

// The format: ids are indices, so neither may ever move.
TEST(SocketFields, KeepTheirIds) {
  const auto fields = fields_of<Socket>();
  EXPECT_EQ(fields[0].name, "cookie");
  EXPECT_EQ(fields[11].name, "remote_port");
  EXPECT_EQ(fields[24].name, "state");
}

}  // namespace
}  // namespace netrec
