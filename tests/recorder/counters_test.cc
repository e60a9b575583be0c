#include "recorder/counters.h"

#include <gtest/gtest.h>

namespace netrec {
namespace {

constexpr std::string_view kSnmp =
    "Ip: Forwarding DefaultTTL\nIp: 1 64\nTcp: RtoMin MaxConn ActiveOpens\nTcp: 200 -1 840020\n";

std::string names_of(const CounterList& list) {
  std::string names;
  for (const CounterValue& counter : list.values()) names += std::string(counter.name) + ' ';
  return names;
}

TEST(Counters, PairsNamesWithValues) {
  CounterList list;
  EXPECT_EQ(list.add_paired(kSnmp), 0u);
  EXPECT_EQ(names_of(list), "Ip.Forwarding Ip.DefaultTTL Tcp.RtoMin Tcp.MaxConn Tcp.ActiveOpens ");
  EXPECT_EQ(list.values()[1].value, 64u);
  EXPECT_EQ(list.values()[3].value, ~std::uint64_t{0});
  EXPECT_EQ(list.values()[4].value, 840020u);
}

TEST(Counters, ReadsOneNameALine) {
  CounterList list;
  EXPECT_EQ(
      list.add_single("Ip6InReceives                   \t1\nIp6OutOctets\t18446744073709551615\n"),
      0u);
  EXPECT_EQ(names_of(list), "Ip6InReceives Ip6OutOctets ");
  EXPECT_EQ(list.values()[1].value, ~std::uint64_t{0});
}

TEST(Counters, NamesAndPlacesStayFromOneReadingToTheNext) {
  CounterList list;
  list.add_paired(kSnmp);
  const char* const name = list.values()[4].name.data();
  list.clear();
  list.add_paired(kSnmp);
  EXPECT_EQ(list.values()[4].name.data(), name);
  EXPECT_EQ(list.values().size(), 5u);
}

TEST(Counters, FollowsAChangedSetOfNames) {
  CounterList list;
  list.add_paired(kSnmp);
  list.clear();
  list.add_paired("IcmpMsg: InType3\nIcmpMsg: 1\n");
  EXPECT_EQ(names_of(list), "IcmpMsg.InType3 ");
  list.clear();
  list.add_paired(kSnmp);
  EXPECT_EQ(names_of(list), "Ip.Forwarding Ip.DefaultTTL Tcp.RtoMin Tcp.MaxConn Tcp.ActiveOpens ");
}

TEST(Counters, WhatIsNoPairIsPassedOverAndCounted) {
  CounterList list;
  EXPECT_EQ(list.add_paired("Ip: A B\nTcp: 1 2\nUdp: A\nUdp: x\nX\n\nIp: A B\nIp: 7\n"), 4u);
  EXPECT_EQ(names_of(list), "Ip.A ");
  EXPECT_EQ(list.add_single("lonely\nname x\n"), 2u);
}

TEST(Counters, ATableMayBeCutAnywhere) {
  for (std::size_t size = 0; size < kSnmp.size(); ++size) {
    CounterList list;
    list.add_paired(std::string(kSnmp.substr(0, size)));
    list.add_single(std::string(kSnmp.substr(0, size)));
    EXPECT_LE(list.values().size(), 16u);
  }
}

}  // namespace
}  // namespace netrec
