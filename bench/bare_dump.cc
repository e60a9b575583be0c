// The least a recorder of TCP sockets can cost: asks sock_diag(7) for all of them, both families,
// with TCP_INFO, memory and congestion control, and throws away what comes.
//
//   bare_dump TIMES      prints sockets and microseconds of CPU, the mean of one time
#include <fmt/format.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <vector>

namespace {

struct Request {
  nlmsghdr header{};
  inet_diag_req_v2 body{};
};

void ask(int netlink, std::uint8_t family) {
  Request request;
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.body.sdiag_family = family;
  request.body.sdiag_protocol = IPPROTO_TCP;
  request.body.idiag_states = ~0u;
  request.body.idiag_ext =
      1 << (INET_DIAG_INFO - 1) | 1 << (INET_DIAG_SKMEMINFO - 1) | 1 << (INET_DIAG_CONG - 1);
  if (send(netlink, &request, sizeof request, 0) < 0) std::exit(3);
}

/// Counts the sockets of one answer.
std::size_t discard(int netlink, std::vector<char>& buffer) {
  std::size_t sockets = 0;
  for (;;) {
    auto left = recv(netlink, buffer.data(), buffer.size(), 0);
    if (left < 0) std::exit(3);
    for (auto* message = reinterpret_cast<nlmsghdr*>(buffer.data()); NLMSG_OK(message, left);
         message = NLMSG_NEXT(message, left)) {
      if (message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR) return sockets;
      ++sockets;
    }
  }
}

double cpu_us() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto us = [](const timeval& time) {
    return double(time.tv_sec) * 1e6 + double(time.tv_usec);
  };
  return us(used.ru_utime) + us(used.ru_stime);
}

}  // namespace

int main(int argc, char** argv) {
  const int times = argc > 1 ? std::atoi(argv[1]) : 1;
  const int netlink = socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG);
  std::vector<char> buffer(64 * 1024);
  std::size_t sockets = 0;
  const double before = cpu_us();
  for (int i = 0; i < times; ++i) {
    for (const std::uint8_t family : {std::uint8_t{AF_INET}, std::uint8_t{AF_INET6}}) {
      ask(netlink, family);
      sockets += discard(netlink, buffer);
    }
  }
  fmt::print("{} {:.0f}\n", sockets / static_cast<std::size_t>(times), (cpu_us() - before) / times);
  close(netlink);
  return 0;
}
