#include "recorder/netlink.h"

#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/vm_sockets_diag.h>

#include <functional>

#include "recorder/interfaces.h"
#include "recorder/proc_sockets.h"
#include "recorder/sock_diag_inet.h"
#include "recorder/sock_diag_packet.h"
#include "recorder/sock_diag_unix.h"
#include "recorder/sock_diag_vsock.h"
#include "tests/recorder/collecting_sinks.h"
#include "tests/recorder/live_socket.h"

namespace netrec {
namespace {

using Message = std::vector<std::byte>;

class CollectedMessages final : public MessageSink {
 public:
  bool message(Bytes payload, std::uint64_t) override {
    messages.emplace_back(payload.begin(), payload.end());
    return true;
  }
  std::vector<Message> messages;
};

std::vector<Message> messages_of(int protocol, std::uint16_t type, Bytes request,
                                 std::uint16_t answer) {
  auto socket = NetlinkSocket::open(protocol);
  EXPECT_TRUE(socket);
  CollectedMessages collected;
  std::vector<std::byte> buffer;
  const auto report = socket->dump(type, request, answer, buffer, collected);
  EXPECT_TRUE(report) << report.error().message;
  return collected.messages;
}

std::vector<Message> diag_messages(Bytes request) {
  return messages_of(NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, request, SOCK_DIAG_BY_FAMILY);
}

// A decoder without its context: true if it took the bytes for a message.
using Decode = std::function<bool(Bytes)>;

Decode socket_decoder(bool (*decode)(Bytes, const DecodeContext&, Socket&), SocketKind kind) {
  return [decode, kind](Bytes bytes) {
    CollectedSockets texts;
    LastText congestion;
    const DecodeContext context{.kind = kind,
                                .network_namespace = 1,
                                .received_us = 1'700'000'000'000'000,
                                .texts = texts,
                                .congestion = congestion};
    Socket row;
    return decode(bytes, context, row);
  };
}

// Exact bytes on the heap, so that AddressSanitizer sees a step beyond.
bool decode_exactly(const Decode& decode, Bytes bytes) {
  const Message copy(bytes.begin(), bytes.end());
  return decode(copy);
}

void survives_damage(const Decode& decode, const Message& message, std::size_t header) {
  ASSERT_TRUE(decode_exactly(decode, message));
  for (std::size_t size = 0; size < message.size(); ++size) {
    const bool taken = decode_exactly(decode, Bytes(message).first(size));
    EXPECT_TRUE(size >= header || !taken) << size;
  }
  for (std::size_t bit = 0; bit < message.size() * 8; ++bit) {
    Message flipped = message;
    flipped[bit / 8] ^= std::byte(1 << bit % 8);
    decode_exactly(decode, flipped);
  }
}

TEST(NetlinkDecoders, InetMessagesMayBeCutOrFlippedAnywhere) {
  LiveSocket listener(AF_INET, SOCK_STREAM, 0);
  listener.bind_loopback(AF_INET);
  ASSERT_EQ(listen(listener.descriptor(), 1), 0);
  constexpr SocketKind kKind{Transport::tcp, Family::inet};
  const auto messages = diag_messages(inet_request(kKind));
  ASSERT_FALSE(messages.empty());
  survives_damage(socket_decoder(decode_inet, kKind), messages.front(), 72);
}

// A socket that is let go of, as the kernel tells it.
Message ended_message() {
  auto told = NetlinkSocket::open(NETLINK_SOCK_DIAG);
  EXPECT_TRUE(told && told->join(SKNLGRP_INET_TCP_DESTROY));
  {
    LiveSocket listener(AF_INET, SOCK_STREAM, 0);
    listener.bind_loopback(AF_INET);
    EXPECT_EQ(listen(listener.descriptor(), 1), 0);
  }
  CollectedMessages collected;
  std::vector<std::byte> buffer;
  for (int tries = 0; tries < 1000 && collected.messages.empty(); ++tries) {
    usleep(1000);
    EXPECT_TRUE(told->read_told(SOCK_DIAG_BY_FAMILY, buffer, collected));
  }
  return collected.messages.empty() ? Message{} : collected.messages.front();
}

TEST(NetlinkDecoders, MessagesOfEndsMayBeCutOrFlippedAnywhere) {
  survives_damage(socket_decoder(decode_ended, {}), ended_message(), 72);
}

TEST(NetlinkDecoders, AnEndOfAnUnknownFamilyOrProtocolIsNotTaken) {
  const Decode decode = socket_decoder(decode_ended, {});
  Message message = ended_message();
  ASSERT_TRUE(decode(message));
  message[0] = std::byte{AF_UNIX};
  EXPECT_FALSE(decode(message));
  message[0] = std::byte{AF_INET};
  EXPECT_FALSE(decode(Bytes(message).first(72))) << "without its protocol";
}

TEST(Netlink, MoreThanFitsIsReportedAsLost) {
  auto told = NetlinkSocket::open(NETLINK_SOCK_DIAG);
  ASSERT_TRUE(told && told->join(SKNLGRP_INET_UDP_DESTROY));
  // A worker of the kernel tells of the ends, when it comes to it.
  bool overrun = false;
  for (int round = 1; round <= 20 && !overrun; ++round) {
    for (int count = 0; count < 5000; ++count)
      LiveSocket(AF_INET, SOCK_DGRAM, 0).bind_loopback(AF_INET);
    usleep(100'000 * static_cast<useconds_t>(round));
    CollectedMessages collected;
    std::vector<std::byte> buffer;
    const auto report = told->read_told(SOCK_DIAG_BY_FAMILY, buffer, collected);
    ASSERT_TRUE(report);
    overrun = report->overrun;
    EXPECT_EQ(report->whole(), !overrun);
  }
  EXPECT_TRUE(overrun);
}

TEST(NetlinkDecoders, UnixMessagesMayBeCutOrFlippedAnywhere) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  const LiveSocket one(ends[0]), other(ends[1]);
  const auto messages = diag_messages(unix_request());
  ASSERT_FALSE(messages.empty());
  survives_damage(socket_decoder(decode_unix, {Transport::unix, Family::unix}), messages.front(),
                  16);
}

TEST(NetlinkDecoders, LinkMessagesMayBeCutOrFlippedAnywhere) {
  const auto messages = messages_of(NETLINK_ROUTE, RTM_GETLINK, interfaces_request(), RTM_NEWLINK);
  ASSERT_FALSE(messages.empty());
  const Decode decode = [](Bytes bytes) {
    CollectedInterfaces texts;
    Interface row;
    return decode_interface(bytes, texts, row);
  };
  survives_damage(decode, messages.front(), 16);
}

TEST(NetlinkDecodersRoot, PacketMessagesMayBeCutOrFlippedAnywhere) {
  const LiveSocket sniffer(AF_PACKET, SOCK_RAW, 0);
  if (!sniffer.is_open()) GTEST_SKIP() << "packet sockets need root";
  const auto messages = diag_messages(packet_request());
  ASSERT_FALSE(messages.empty());
  survives_damage(socket_decoder(decode_packet, {Transport::packet, Family::packet}),
                  messages.front(), 16);
}

TEST(NetlinkDecoders, AVsockMessageIsReadWhole) {
  vsock_diag_msg message{};
  message.vdiag_family = AF_VSOCK;
  message.vdiag_type = SOCK_STREAM;
  message.vdiag_state = 1;
  message.vdiag_src_cid = 3;
  message.vdiag_src_port = 0x12345678;
  message.vdiag_dst_cid = 2;
  message.vdiag_dst_port = 1024;
  message.vdiag_ino = 99;
  message.vdiag_cookie[0] = 7;
  message.vdiag_cookie[1] = 1;
  CollectedSockets texts;
  LastText congestion;
  const DecodeContext context{.kind = {Transport::vsock, Family::vsock},
                              .network_namespace = 4,
                              .received_us = 0,
                              .texts = texts,
                              .congestion = congestion};
  Socket row;
  ASSERT_TRUE(decode_vsock(std::as_bytes(std::span(&message, 1)), context, row));
  EXPECT_EQ(row.cookie, (std::uint64_t{1} << 32) + 7);
  EXPECT_EQ(row.local.low, 3u);
  EXPECT_EQ(row.local.high, 0x12345678u);
  EXPECT_EQ(row.local_port, 0x5678);
  EXPECT_EQ(row.remote.low, 2u);
  EXPECT_EQ(row.remote_port, 1024);
  EXPECT_EQ(row.inode, 99u);
  EXPECT_FALSE(decode_vsock(std::as_bytes(std::span(&message, 1)).first(10), context, row));
}

TEST(NetlinkDecoders, AnAttributeThatClaimsTooMuchEndsTheList) {
  Message list(8);
  const nlattr header{.nla_len = 200, .nla_type = 1};
  std::memcpy(list.data(), &header, sizeof header);
  int visited = 0;
  EXPECT_FALSE(for_each_attribute(list, [&](const Attribute&) { ++visited; }));
  EXPECT_EQ(visited, 0);
  const nlattr tiny{.nla_len = 2, .nla_type = 1};
  std::memcpy(list.data(), &tiny, sizeof tiny);
  EXPECT_FALSE(for_each_attribute(list, [&](const Attribute&) { ++visited; }));
}

Message netlink_message(std::uint16_t type, std::uint32_t sequence, std::uint16_t flags,
                        std::int32_t payload) {
  nlmsghdr header{};
  header.nlmsg_len = NLMSG_LENGTH(sizeof payload);
  header.nlmsg_type = type;
  header.nlmsg_flags = flags;
  header.nlmsg_seq = sequence;
  Message message(header.nlmsg_len);
  std::memcpy(message.data(), &header, sizeof header);
  std::memcpy(message.data() + NLMSG_HDRLEN, &payload, sizeof payload);
  return message;
}

struct Walked {
  DatagramOutcome outcome;
  DumpReport report;
  std::size_t seen = 0;
};

Walked walk(const Message& datagram) {
  CollectedMessages collected;
  Walked walked;
  walked.outcome = walk_datagram(datagram, 5, SOCK_DIAG_BY_FAMILY, 0, collected, walked.report);
  walked.seen = collected.messages.size();
  return walked;
}

Message operator+(Message first, const Message& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

TEST(Netlink, ADumpEndsWithDoneAndItsInterruptionIsReported) {
  const Message answer = netlink_message(SOCK_DIAG_BY_FAMILY, 5, NLM_F_MULTI, 1);
  const Message torn = netlink_message(SOCK_DIAG_BY_FAMILY, 5, NLM_F_DUMP_INTR, 1);
  EXPECT_FALSE(walk(answer).outcome.done);
  EXPECT_TRUE(walk(answer).report.whole());
  const Walked walked = walk(answer + torn + netlink_message(NLMSG_DONE, 5, 0, 0));
  EXPECT_TRUE(walked.outcome.done);
  EXPECT_EQ(walked.outcome.error, 0);
  EXPECT_EQ(walked.report.count, 2u);
  EXPECT_TRUE(walked.report.interrupted);
  EXPECT_FALSE(walked.report.whole());
}

TEST(Netlink, TheRestOfAnEarlierDumpIsPassedOver) {
  const Walked walked =
      walk(netlink_message(SOCK_DIAG_BY_FAMILY, 4, 0, 1) + netlink_message(NLMSG_DONE, 4, 0, 0));
  EXPECT_FALSE(walked.outcome.done);
  EXPECT_EQ(walked.seen, 0u);
}

TEST(Netlink, TheKernelsRefusalIsAnErrno) {
  EXPECT_EQ(walk(netlink_message(NLMSG_ERROR, 5, 0, -ENOENT)).outcome.error, ENOENT);
  EXPECT_EQ(walk(netlink_message(NLMSG_DONE, 5, 0, -ENOBUFS)).outcome.error, ENOBUFS);
  EXPECT_EQ(walk(netlink_message(NLMSG_ERROR, 5, 0, 17)).outcome.error, 0);
  EXPECT_EQ(walk(netlink_message(NLMSG_ERROR, 5, 0, INT32_MIN)).outcome.error, 4095);
}

TEST(Netlink, AMessageThatClaimsTooMuchIsBroken) {
  Message message = netlink_message(SOCK_DIAG_BY_FAMILY, 5, 0, 1);
  for (std::size_t size = NLMSG_HDRLEN; size < message.size(); ++size) {
    const Walked walked = walk(Message(message.begin(), message.begin() + static_cast<long>(size)));
    EXPECT_EQ(walked.report.broken, 1u);
    EXPECT_EQ(walked.seen, 0u);
  }
}

TEST(Netlink, AnUnknownDumpIsUnsupported) {
  auto socket = NetlinkSocket::open(NETLINK_SOCK_DIAG);
  ASSERT_TRUE(socket);
  sock_diag_req request{};
  request.sdiag_family = AF_APPLETALK;
  CollectedMessages collected;
  std::vector<std::byte> buffer;
  const auto report = socket->dump(SOCK_DIAG_BY_FAMILY, std::as_bytes(std::span(&request, 1)),
                                   SOCK_DIAG_BY_FAMILY, buffer, collected);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().kind, ErrorKind::unsupported);
}

// /proc/net/raw6, as the kernel prints it.
constexpr std::string_view kRaw6 =
    "  sl  local_address                         remote_address                        st tx_queue "
    "rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n"
    "   58: 00000000000000000000000001000000:003A 00000000000000000000000000000000:0000 07 "
    "00000010:00000300 00:00000000 00000000  1000        0 12345 2 00000000deadbeef 7\n";

DumpReport read_table(std::string_view table, CollectedSockets& sockets) {
  LastText unused;
  const DecodeContext context{.kind = {Transport::raw, Family::inet6},
                              .network_namespace = 3,
                              .received_us = 0,
                              .texts = sockets,
                              .congestion = unused};
  return decode_proc_table(table, context, sockets);
}

TEST(ProcSockets, ReadsARawSocketOverIpv6) {
  CollectedSockets sockets;
  const DumpReport report = read_table(kRaw6, sockets);
  EXPECT_EQ(report.count, 1u);
  EXPECT_EQ(report.broken, 0u);
  ASSERT_EQ(sockets.rows.size(), 1u);
  const Socket& row = sockets.rows.front();
  EXPECT_EQ(row.local, (IpAddress{.high = 0, .low = 1}));
  EXPECT_EQ(row.protocol, 58u);
  EXPECT_EQ(row.local_port, 0u);
  EXPECT_EQ(row.send_queue, 0x10u);
  EXPECT_EQ(row.receive_queue, 0x300u);
  EXPECT_EQ(row.uid, 1000u);
  EXPECT_EQ(row.inode, 12345u);
  EXPECT_EQ(row.drops, 7u);
  EXPECT_EQ(row.cookie, cookie_from_inode(12345));
}

TEST(ProcSockets, ATableMayBeCutOrFlippedAnywhere) {
  for (std::size_t size = 0; size < kRaw6.size(); ++size) {
    CollectedSockets sockets;
    read_table(std::string(kRaw6.substr(0, size)), sockets);
    EXPECT_LE(sockets.rows.size(), 1u);
  }
  for (std::size_t bit = 0; bit < kRaw6.size() * 8; ++bit) {
    std::string flipped(kRaw6);
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    CollectedSockets sockets;
    read_table(flipped, sockets);
  }
}

}  // namespace
}  // namespace netrec
