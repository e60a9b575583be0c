#include "query/interface_growth.h"

#include <gtest/gtest.h>

namespace netrec {
namespace {

TEST(InterfaceGrowth, CountsFromZeroWhereACounterBeganAnew) {
  EXPECT_EQ(growth(10, 25), 15u);
  EXPECT_EQ(growth(1000, 7), 7u);
}

TEST(InterfaceGrowth, PairsWhatCameAndWhatWent) {
  Snapshot before;
  Snapshot after;
  Interface interface;
  interface.index = 1;
  before.of<Interface>().insert(interface);
  after.of<Interface>().insert(interface);
  interface.index = 2;
  before.of<Interface>().insert(interface);
  interface.index = 3;
  after.of<Interface>().insert(interface);
  const auto pairs = pair_interfaces(before, after);
  ASSERT_EQ(pairs.size(), 3u);
  EXPECT_TRUE(pairs[0].before != nullptr && pairs[0].after != nullptr);
  EXPECT_TRUE(pairs[1].before != nullptr && pairs[1].after == nullptr);
  EXPECT_TRUE(pairs[2].before == nullptr && pairs[2].after != nullptr);
}

TEST(InterfaceGrowth, FindsTroubleAndItsShare) {
  Interface before;
  Interface after;
  before.receive_packets = 100;
  after.receive_packets = 190;
  after.receive_dropped = 10;
  const auto found = troubles({&before, &after});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].field, "receive_dropped");
  EXPECT_EQ(found[0].count, 10u);
  EXPECT_NEAR(found[0].percent, 10, 0.01);
  EXPECT_TRUE(troubles({&after, &after}).empty());
}

TEST(InterfaceGrowth, ExplainsCountersThatMeanTrouble) {
  EXPECT_TRUE(note_on_counter("TcpExt.ListenOverflows").bad);
  EXPECT_FALSE(note_on_counter("Tcp.ActiveOpens").bad);
  EXPECT_TRUE(note_on_counter("Tcp.NoSuchThing").about.empty());
}

}  // namespace
}  // namespace netrec
