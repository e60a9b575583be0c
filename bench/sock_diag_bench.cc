// What reading the kernel costs: a bare SOCK_DIAG dump that discards what it reads, the same
// decoded, and the same settled and compared with the dump before; then looking for owners. CPU
// time of this process, the best of several rounds, for one process's worth of loopback
// connections times N.
//
//   sock_diag_bench [TCP sockets, default 50000]
#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <vector>

#include "recorder/kernel_source.h"
#include "recorder/netlink.h"
#include "recorder/owners.h"
#include "recorder/settle.h"
#include "recorder/sock_diag_inet.h"
#include "schema/delta.h"

namespace netrec {
namespace {

constexpr int kRounds = 15;
constexpr int kConnectionsPerProcess = 8000;  // Two descriptors each, of at most 20 000.

double cpu_ms() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto ms = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_usec) / 1e3;
  };
  return ms(usage.ru_utime) + ms(usage.ru_stime);
}

double best_of(int rounds, const std::function<void()>& work) {
  double best = 1e99;
  for (int round = 0; round < rounds; ++round) {
    const double before = cpu_ms();
    work();
    best = std::min(best, cpu_ms() - before);
  }
  return best;
}

// Holds `connections` loopback connections to an address of its own until the pipe closes.
[[noreturn]] void hold_connections(int index, int connections, int ready, int until_closed) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(0x7f000100u + static_cast<unsigned>(index));
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  socklen_t size = sizeof address;
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(listener, 1024) != 0 ||
      getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    _exit(1);
  for (int i = 0; i < connections; ++i) {
    const int client = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(client, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) _exit(1);
    if (accept(listener, nullptr, nullptr) < 0) _exit(1);
  }
  char byte = 'r';
  if (write(ready, &byte, 1) != 1 || read(until_closed, &byte, 1) < 0) _exit(1);
  _exit(0);
}

class Load {
 public:
  explicit Load(int sockets) {
    int ready[2];
    if (pipe(ready) != 0 || pipe(end_) != 0) std::exit(3);
    for (int left = sockets / 2, i = 0; left > 0; left -= kConnectionsPerProcess, ++i) {
      const pid_t child = fork();
      if (child == 0) {
        close(end_[1]);
        hold_connections(i, std::min(left, kConnectionsPerProcess), ready[1], end_[0]);
      }
      children_.push_back(child);
    }
    close(ready[1]);
    char byte = 0;
    for (std::size_t i = 0; i < children_.size(); ++i)
      if (read(ready[0], &byte, 1) != 1) fmt::print(stderr, "a load process failed\n");
    close(ready[0]);
  }
  ~Load() {
    close(end_[1]);
    for (const pid_t child : children_) waitpid(child, nullptr, 0);
  }

 private:
  int end_[2] = {-1, -1};
  std::vector<pid_t> children_;
};

class Discard final : public MessageSink {
 public:
  bool message(Bytes, std::uint64_t) override { return true; }
};

class Keep : public SocketSink {
 public:
  std::uint32_t text(std::string_view) override { return 1; }
  void see(const Socket& observed) override { table.insert(observed); }
  Table<Socket> table;
};

class Count final : public SocketSink {
 public:
  std::uint32_t text(std::string_view) override { return 1; }
  void see(const Socket&) override { ++seen; }
  std::size_t seen = 0;
};

// What the Observer does with a socket it knows.
class Compare final : public Keep {
 public:
  void see(const Socket& observed) override {
    Socket* const before = table.find(observed.cookie);
    if (before == nullptr) return Keep::see(observed);
    Socket after = observed;
    settle(*before, after);
    if (after == *before) return;
    compare(*before, after, changes);
    *before = after;
  }
  Changes<Socket> changes;
};

void bench_dump(std::size_t& count, std::vector<std::uint32_t>& inodes) {
  constexpr SocketKind kKind{Transport::tcp, Family::inet};
  auto diag = NetlinkSocket::open(NETLINK_SOCK_DIAG);
  auto source = KernelSource::open({.only = {"own"}});
  if (!diag || !source) std::exit(3);
  const std::uint32_t own = (*source)->namespaces().front().inode;
  std::vector<std::byte> buffer;
  Discard discard;
  const auto request = inet_request(kKind);
  const double bare = best_of(kRounds, [&] {
    const auto report =
        diag->dump(SOCK_DIAG_BY_FAMILY, request, SOCK_DIAG_BY_FAMILY, buffer, discard);
    count = report ? report->count : 0;
  });
  Count counting;
  const double decoded = best_of(kRounds, [&] { (void)(*source)->dump(own, 1, kKind, counting); });
  Compare comparing;
  (void)(*source)->dump(own, 1, kKind, comparing);
  const double compared =
      best_of(kRounds, [&] { (void)(*source)->dump(own, 1, kKind, comparing); });
  comparing.changes = {};
  (void)(*source)->dump(own, 1, kKind, comparing);
  const auto each = [&](double ms) { return ms * 1e6 / static_cast<double>(count); };
  fmt::print("dump of {} TCP sockets        ms    ns each   ratio\n", count);
  fmt::print("  bare, discarded        {:8.1f} {:8.0f}    1.00\n", bare, each(bare));
  fmt::print("  decoded                {:8.1f} {:8.0f}    {:.2f}\n", decoded, each(decoded),
             decoded / bare);
  fmt::print("  settled and compared   {:8.1f} {:8.0f}    {:.2f}\n", compared, each(compared),
             compared / bare);
  fmt::print("  changes seen in a dump of idle sockets: {}\n", comparing.changes.changed.size());
  for (const Socket& row : comparing.table)
    if (row.inode != 0) inodes.push_back(row.inode);
}

std::uint32_t inode_of(int descriptor) {
  struct stat status {};
  fstat(descriptor, &status);
  return static_cast<std::uint32_t>(status.st_ino);
}

void bench_owners(std::vector<std::uint32_t> inodes) {
  inodes.push_back(inode_of(socket(AF_INET, SOCK_DGRAM, 0)));  // This process is a server too.
  Owners owners;
  OwnersReport report;
  const double first = best_of(1, [&] { report = owners.update(inodes, {}); });
  fmt::print("owners of {} sockets: first {:.1f} ms, {} links, {} found\n", inodes.size(), first,
             report.links_read, report.found);
  double steady = 0;
  constexpr int kTicks = 100;
  for (int tick = 0; tick < kTicks; ++tick)
    steady += best_of(1, [&] { report = owners.update({}, {}); });
  fmt::print("  steady tick {:.2f} ms on average\n", steady / kTicks);
  std::vector<int> descriptors;
  for (int round = 0; round < 3; ++round) {
    std::vector<std::uint32_t> appeared, departed;
    for (const int descriptor : descriptors) {
      departed.push_back(inode_of(descriptor));
      close(descriptor);
    }
    descriptors.clear();
    for (int i = 0; i < 1000; ++i) {
      descriptors.push_back(socket(AF_INET, SOCK_STREAM, 0));
      appeared.push_back(inode_of(descriptors.back()));
    }
    const double busy = best_of(1, [&] { report = owners.update(appeared, departed); });
    fmt::print("  1000 new of one process {:.2f} ms, {} links, {} found\n", busy, report.links_read,
               report.found);
  }
}

}  // namespace
}  // namespace netrec

int main(int argc, char** argv) {
  using namespace netrec;
  const int sockets = argc > 1 ? std::atoi(argv[1]) : 50'000;
  const Load load(sockets);
  std::size_t count = 0;
  std::vector<std::uint32_t> inodes;
  bench_dump(count, inodes);
  bench_owners(inodes);
  return 0;
}
