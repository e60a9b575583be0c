#include "recorder/netlink.h"

#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

namespace netrec {

namespace {

std::uint64_t wall_us() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec) / 1000;
}

constexpr std::int32_t kLargestErrno = 4095;  // MAX_ERRNO, linux/err.h

// What the kernel means by refusing a dump: no handler for the family or protocol comes as ENOENT
// or EINVAL.
Error refusal(int error_number) {
  switch (error_number) {
    case ENOENT:
    case EINVAL:
    case EPROTONOSUPPORT:
    case EOPNOTSUPP:
    case EAFNOSUPPORT:
      return {ErrorKind::unsupported,
              system_error(error_number, "the kernel does not offer this dump").message};
    default:
      return system_error(error_number, "dump");
  }
}

}  // namespace

Result<NetlinkSocket> NetlinkSocket::open(int protocol) {
  const int descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
  if (descriptor < 0) return tl::unexpected(system_error(errno, "open a netlink socket"));
  NetlinkSocket opened(descriptor);
  // A dump is answered as it is read, so nothing should ever be waited for; not for ever, then.
  const timeval patience{.tv_sec = 10, .tv_usec = 0};
  setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  if (bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return tl::unexpected(system_error(errno, "bind a netlink socket"));
  return opened;
}

NetlinkSocket::~NetlinkSocket() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::uint64_t NetlinkSocket::namespace_cookie() const {
  std::uint64_t cookie = 0;
  socklen_t size = sizeof cookie;
  if (getsockopt(descriptor_, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size) != 0) return 0;
  return cookie;
}

Status NetlinkSocket::send_request(std::uint16_t type, std::uint16_t flags, Bytes request) {
  nlmsghdr header{};
  header.nlmsg_len = static_cast<std::uint32_t>(NLMSG_LENGTH(request.size()));
  header.nlmsg_type = type;
  header.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  header.nlmsg_seq = ++sequence_;
  std::byte message[256];
  NETREC_CHECK(NLMSG_HDRLEN + request.size() <= sizeof message, "a dump's request is small");
  std::memcpy(message, &header, sizeof header);
  std::memcpy(message + NLMSG_HDRLEN, request.data(), request.size());
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  if (sendto(descriptor_, message, header.nlmsg_len, 0, reinterpret_cast<const sockaddr*>(&kernel),
             sizeof kernel) < 0)
    return tl::unexpected(system_error(errno, "ask the kernel"));
  return {};
}

// The next datagram of the kernel's. What did not fit is in the report.
Result<Bytes> NetlinkSocket::receive(std::vector<std::byte>& buffer, DumpReport& report) {
  while (true) {
    sockaddr_nl sender{};
    socklen_t sender_size = sizeof sender;
    const ssize_t size = recvfrom(descriptor_, buffer.data(), buffer.size(), MSG_TRUNC,
                                  reinterpret_cast<sockaddr*>(&sender), &sender_size);
    if (size < 0) {
      if (errno == EINTR) continue;
      if (errno != ENOBUFS) return tl::unexpected(system_error(errno, "read a dump"));
      report.overrun = true;
      continue;
    }
    if (sender.nl_pid != 0)
      continue;  // Any process may write to our address; only 0 is the kernel.
    if (static_cast<std::size_t>(size) > buffer.size()) report.overrun = true;
    return Bytes(buffer.data(), std::min(static_cast<std::size_t>(size), buffer.size()));
  }
}

Result<DumpReport> NetlinkSocket::dump(std::uint16_t type, Bytes request, std::uint16_t answer_type,
                                       std::vector<std::byte>& buffer, MessageSink& sink) {
  buffer.resize(kNetlinkBufferBytes);
  NETREC_CHECKED(send_request(type, NLM_F_DUMP, request));
  DumpReport report;
  while (true) {
    NETREC_TRY(datagram, receive(buffer, report));
    const DatagramOutcome outcome =
        walk_datagram(datagram, sequence_, answer_type, wall_us(), sink, report);
    if (outcome.error != 0) return tl::unexpected(refusal(outcome.error));
    if (outcome.done) return report;
  }
}

Result<bool> NetlinkSocket::ask(std::uint16_t type, Bytes request, std::uint16_t answer_type,
                                std::vector<std::byte>& buffer, MessageSink& sink) {
  buffer.resize(kNetlinkBufferBytes);
  NETREC_CHECKED(send_request(type, 0, request));
  DumpReport report;
  while (true) {
    NETREC_TRY(datagram, receive(buffer, report));
    const DatagramOutcome outcome =
        walk_datagram(datagram, sequence_, answer_type, wall_us(), sink, report);
    if (!report.whole()) return failure(ErrorKind::corrupt, "an answer that is not understood");
    if (report.count != 0) return true;
    if (outcome.error == ENOENT || outcome.error == ESTALE) return false;
    if (outcome.error != 0)
      return tl::unexpected(system_error(outcome.error, "ask for one socket"));
  }
}

Status NetlinkSocket::join(int group) {
  if (setsockopt(descriptor_, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0)
    return tl::unexpected(system_error(errno, "join a netlink group"));
  return {};
}

void NetlinkSocket::widen(int bytes) {
  if (setsockopt(descriptor_, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0)
    setsockopt(descriptor_, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

Result<DumpReport> NetlinkSocket::read_told(std::uint16_t type, std::vector<std::byte>& buffer,
                                            MessageSink& sink) {
  constexpr int kMost = 100'000;  // A busy kernel is not to be chased.
  buffer.resize(kNetlinkBufferBytes);
  DumpReport report;
  for (int count = 0; count < kMost; ++count) {
    sockaddr_nl sender{};
    socklen_t sender_size = sizeof sender;
    const ssize_t size = recvfrom(descriptor_, buffer.data(), buffer.size(), MSG_DONTWAIT,
                                  reinterpret_cast<sockaddr*>(&sender), &sender_size);
    if (size < 0) {
      if (errno == EAGAIN) return report;
      if (errno != EINTR && errno != ENOBUFS)
        return tl::unexpected(system_error(errno, "read what the kernel tells"));
      report.overrun |= errno == ENOBUFS;
      continue;
    }
    if (sender.nl_pid != 0) continue;
    const Bytes datagram(buffer.data(), static_cast<std::size_t>(size));
    walk_datagram(datagram, 0, type, wall_us(), sink, report);
  }
  return report;
}

DatagramOutcome walk_datagram(Bytes datagram, std::uint32_t sequence, std::uint16_t answer_type,
                              std::uint64_t received_us, MessageSink& sink, DumpReport& report) {
  while (datagram.size() >= sizeof(nlmsghdr)) {
    const auto header = read_as<nlmsghdr>(datagram);
    if (header.nlmsg_len < sizeof(nlmsghdr) || header.nlmsg_len > datagram.size()) {
      ++report.broken;
      return {};
    }
    const Bytes payload = datagram.subspan(NLMSG_HDRLEN, header.nlmsg_len - NLMSG_HDRLEN);
    datagram =
        datagram.subspan(std::min<std::size_t>(NLMSG_ALIGN(header.nlmsg_len), datagram.size()));
    if (header.nlmsg_seq != sequence) continue;  // The rest of a dump that was given up.
    if ((header.nlmsg_flags & NLM_F_DUMP_INTR) != 0) report.interrupted = true;
    if (header.nlmsg_type == NLMSG_DONE || header.nlmsg_type == NLMSG_ERROR)
      return {.done = true,
              .error = -std::clamp(read_as<std::int32_t>(payload), -kLargestErrno, 0)};
    if (header.nlmsg_type != answer_type) continue;
    if (sink.message(payload, received_us))
      ++report.count;
    else
      ++report.broken;
  }
  return {};
}

}  // namespace netrec
