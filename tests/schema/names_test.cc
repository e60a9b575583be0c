// The words of the schema: stable, complete, and safe for numbers from a newer version.
#include <gtest/gtest.h>

#include "schema/gap.h"
#include "schema/interface.h"
#include "schema/socket.h"

namespace netrec {
namespace {

TEST(TcpState, HasNetstatsAndSssNames) {
  EXPECT_EQ(name(TcpState::time_wait), "TIME_WAIT");
  EXPECT_EQ(short_name(TcpState::time_wait), "TIME-WAIT");
  EXPECT_EQ(name(TcpState::listen), "LISTEN");
  EXPECT_EQ(short_name(TcpState::close), "UNCONN");
  EXPECT_EQ(name(static_cast<TcpState>(200)), "");
}

TEST(Transport, HasANameForEachNumber) {
  EXPECT_EQ(name(Transport::tcp), "tcp");
  EXPECT_EQ(name(Transport::dccp), "dccp");
  EXPECT_EQ(name(static_cast<Transport>(200)), "unknown");
}

TEST(GapCause, HasANameForEachNumber) {
  for (int cause = 1; cause <= 17; ++cause)
    EXPECT_NE(name(static_cast<GapCause>(cause)), "unknown");
  EXPECT_EQ(name(static_cast<GapCause>(0)), "unknown");
  EXPECT_EQ(name(static_cast<GapCause>(99)), "unknown");
}

TEST(GapCause, HidesTimeOnlyWhereSocketsMayHaveComeAndGoneUnseen) {
  EXPECT_TRUE(hides_time(GapCause::recorder_killed));
  EXPECT_TRUE(hides_time(GapCause::event_loss));
  EXPECT_FALSE(hides_time(GapCause::late_tick));
  EXPECT_FALSE(hides_time(GapCause::left_out));
}

TEST(InterfaceFlags, AreSpelledOutAndUnknownOnesKept) {
  EXPECT_EQ(interface_flags_text(0x1003), "UP BROADCAST MULTICAST");
  EXPECT_EQ(interface_flags_text(0x80000001), "UP 0x80000000");
  EXPECT_EQ(interface_flags_text(0), "");
}

TEST(OperationalState, HasItsRfc2863Name) {
  EXPECT_EQ(operational_state_name(6), "up");
  EXPECT_EQ(operational_state_name(2), "down");
  EXPECT_EQ(operational_state_name(99), "unknown");
}

}  // namespace
}  // namespace netrec
