#include "recorder/kernel_protocols.h"

#include <gtest/gtest.h>

namespace netrec {
namespace {

constexpr std::string_view kTable =
    "protocol  size sockets  memory press maxhdr  slab module     cl co\n"
    "AF_VSOCK  1240      0      -1   NI       0   yes  kernel      y  n\n"
    "MPTCPv6   2064     12      96   no       0   yes  kernel      y  y\n"
    "UNIX      1152     -1      -1   NI       0   yes  kernel      y  n\n"
    "TCP       2304";

TEST(KernelProtocols, CountsTheSocketsOfAProtocol) {
  EXPECT_EQ(sockets_in_use({Transport::mptcp, Family::inet6}, kTable), 12);
  EXPECT_EQ(sockets_in_use({Transport::vsock, Family::vsock}, kTable), 0);
  EXPECT_EQ(sockets_in_use({Transport::unix, Family::unix}, kTable), -1);
}

TEST(KernelProtocols, AProtocolThatIsNotLoadedHasNone) {
  EXPECT_EQ(sockets_in_use({Transport::sctp, Family::inet}, kTable), std::nullopt);
  EXPECT_EQ(sockets_in_use({Transport::mptcp, Family::inet}, kTable), std::nullopt);
  EXPECT_EQ(sockets_in_use({Transport::tcp, Family::inet}, ""), std::nullopt);
}

TEST(KernelProtocols, ALineCutShortIsNotTakenForNoSockets) {
  EXPECT_EQ(sockets_in_use({Transport::tcp, Family::inet}, kTable), -1);
}

}  // namespace
}  // namespace netrec
