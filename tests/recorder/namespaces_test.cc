#include "recorder/namespaces.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>

#include <cstdlib>
#include <fstream>

#include "recorder/kernel_source.h"
#include "recorder/procfs.h"
#include "tests/recorder/collecting_sinks.h"
#include "tests/recorder/live_socket.h"
#include "tests/recorder/private_namespace.h"

namespace netrec {
namespace {

TEST(Namespaces, ReadsTheInodeOfALink) {
  EXPECT_EQ(namespace_inode("net:[4026531833]"), 4026531833u);
  for (const std::string_view bad :
       {"", "net:[", "net:[]", "net:[12", "mnt:[12]", "net:[x]", "net:[99999999999]", "net:[1]x"})
    EXPECT_EQ(namespace_inode(bad), 0u) << bad;
}

TEST(Namespaces, FindsBindMountsAndTheirNames) {
  FoundNamespaces found;
  add_mounted_namespaces(
      "38 24 0:4 net:[4026532287] /run/netns/bl\\040ue rw shared:5 - nsfs nsfs rw\n"
      "39 24 0:4 net:[4026532288] /run/docker/netns/abc rw - nsfs nsfs rw\n"
      "40 24 0:4 mnt:[4026532289] /run/mnt rw - nsfs nsfs rw\n"
      "41 24 0:21 / /proc rw,relatime - proc proc rw\n"
      "42 24 0:4 net:[4026532290] /run/fake rw - ext4 nsfs rw\n"
      "nonsense\n\n",
      found);
  ASSERT_EQ(found.places.size(), 2u);
  EXPECT_EQ(found.places[4026532287].name, "bl ue");
  EXPECT_EQ(found.places[4026532287].path, "/run/netns/bl ue");
  EXPECT_EQ(found.places[4026532288].name, "/run/docker/netns/abc");
}

TEST(Namespaces, FindsItsOwn) {
  const auto found = look_for_namespaces();
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->places.contains(found->own));
}

const NamespaceFacts* with_name(const KernelSource& source, std::string_view name) {
  for (const NamespaceFacts& facts : source.namespaces())
    if (facts.name == name) return &facts;
  return nullptr;
}

// A process in a network namespace of its own that listens on a port there.
class Tenant {
 public:
  static constexpr std::uint16_t kPort = 4711;

  Tenant() {
    int ready[2];
    EXPECT_EQ(pipe(ready), 0);
    pid_ = fork();
    if (pid_ == 0) {
      if (unshare(CLONE_NEWNET) != 0) _exit(1);
      raise_loopback();
      LiveSocket listener(AF_INET, SOCK_STREAM, 0);
      listener.bind_loopback(AF_INET, kPort);
      listen(listener.descriptor(), 1);
      if (write(ready[1], "r", 1) != 1) _exit(1);
      pause();
      _exit(0);
    }
    char byte = 0;
    close(ready[1]);
    EXPECT_EQ(read(ready[0], &byte, 1), 1);
    close(ready[0]);
  }
  ~Tenant() { end(); }
  void end() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  std::string name() const { return fmt::format("pid {} recorder_test", pid_); }

 private:
  pid_t pid_ = 0;
};

TEST(NamespacesRoot, ReadsTheSocketsOfAProcessInAnotherNamespace) {
  if (geteuid() != 0) GTEST_SKIP() << "making network namespaces needs root";
  Tenant tenant;
  auto source = KernelSource::open({});
  ASSERT_TRUE(source) << source.error().message;
  const NamespaceFacts* facts = with_name(**source, tenant.name());
  ASSERT_NE(facts, nullptr);
  EXPECT_TRUE(facts->readable()) << facts->error;
  EXPECT_FALSE(facts->own);
  EXPECT_NE(facts->cookie, 0u);
  EXPECT_GT(facts->last_port, facts->first_port);
  const std::uint32_t inode = facts->inode;
  CollectedSockets sockets;
  const auto report = (*source)->dump(inode, 5, {Transport::tcp, Family::inet}, sockets);
  ASSERT_TRUE(report);
  ASSERT_EQ(sockets.rows.size(), 1u);
  EXPECT_EQ(sockets.rows[0].local_port, Tenant::kPort);
  EXPECT_EQ(sockets.rows[0].network_namespace, 5u);
  CollectedInterfaces interfaces;
  ASSERT_TRUE((*source)->interfaces(inode, 5, interfaces));
  EXPECT_EQ(interfaces.texts.at(interfaces.rows.at(0).name), "lo");
  ASSERT_TRUE((*source)->counters(inode));
  tenant.end();
  ASSERT_TRUE((*source)->find_namespaces());
  EXPECT_EQ(with_name(**source, tenant.name()), nullptr);
  EXPECT_FALSE((*source)->dump(inode, 5, {Transport::tcp, Family::inet}, sockets));
}

int run(const std::string& command) { return std::system((command + " 2>/dev/null").c_str()); }

TEST(NamespacesRoot, LetsGoOfANamespaceNobodyElseUses) {
  const std::string name = fmt::format("netrec-test-{}", getpid());
  const std::string link = fmt::format("nrt{}", getpid());
  if (geteuid() != 0 || run("ip netns add " + name) != 0)
    GTEST_SKIP() << "making network namespaces needs root";
  EXPECT_EQ(run(fmt::format("ip link add {} type veth peer name inner netns {}", link, name)), 0);
  auto source = KernelSource::open({});
  ASSERT_TRUE(source);
  const NamespaceFacts* facts = with_name(**source, name);
  ASSERT_NE(facts, nullptr);
  EXPECT_TRUE(facts->readable()) << facts->error;
  EXPECT_EQ(run("ip netns del " + name), 0);
  EXPECT_NE(if_nametoindex(link.c_str()), 0u) << "our sockets keep it alive until told";
  ASSERT_TRUE((*source)->find_namespaces());
  EXPECT_EQ(with_name(**source, name), nullptr);
  // The kernel takes namespaces down in the background, and their half of a veth with them.
  for (int tries = 0; tries < 1000 && if_nametoindex(link.c_str()) != 0; ++tries) usleep(10'000);
  EXPECT_EQ(if_nametoindex(link.c_str()), 0u);
}

TEST(NamespacesRoot, ReadsOnlyTheNamespacesThatAreWanted) {
  if (geteuid() != 0) GTEST_SKIP() << "making network namespaces needs root";
  const Tenant tenant;
  const auto own = KernelSource::open({.only = {"own"}});
  ASSERT_TRUE(own);
  EXPECT_EQ((*own)->namespaces().size(), 1u);
  EXPECT_TRUE((*own)->namespaces()[0].own);
  const auto tenants = KernelSource::open({.only = {tenant.name()}});
  ASSERT_TRUE(tenants);
  ASSERT_EQ((*tenants)->namespaces().size(), 1u);
  EXPECT_EQ((*tenants)->namespaces()[0].name, tenant.name());
}

TEST(NamespacesRoot, ShowsPingSockets) {
  const bool made = in_private_namespace([] {
    std::ofstream("/proc/sys/net/ipv4/ping_group_range") << "0 2147483647";
    for (const int family : {AF_INET, AF_INET6}) {
      LiveSocket ping(family, SOCK_DGRAM,
                      family == AF_INET ? int{IPPROTO_ICMP} : int{IPPROTO_ICMPV6});
      ASSERT_TRUE(ping.is_open());
      const std::uint16_t identifier = ping.bind_loopback(family);
      auto source = KernelSource::open({.only = {"own"}});
      ASSERT_TRUE(source);
      const SocketKind kind{Transport::icmp, family == AF_INET ? Family::inet : Family::inet6};
      CollectedSockets sockets;
      const auto report = (*source)->dump((*source)->namespaces()[0].inode, 1, kind, sockets);
      ASSERT_TRUE(report) << report.error().message;
      ASSERT_EQ(sockets.rows.size(), 1u);
      EXPECT_EQ(sockets.rows[0].inode, ping.inode());
      EXPECT_EQ(sockets.rows[0].cookie, ping.cookie());
      EXPECT_EQ(sockets.rows[0].local_port, identifier);
      EXPECT_EQ(sockets.rows[0].local.low, family == AF_INET ? INADDR_LOOPBACK : 1u);
    }
  });
  if (!made) GTEST_SKIP() << "making network namespaces needs root";
}

TEST(NamespacesRoot, AnUnprivilegedReaderSaysWhatItCannotSee) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to give it up";
  const Tenant tenant;
  const pid_t child = fork();
  if (child == 0) {
    if (setgid(65534) != 0 || setuid(65534) != 0) _exit(2);
    auto source = KernelSource::open({});
    if (!source) _exit(3);
    bool own = false, hidden = false;
    for (const NamespaceFacts& facts : (*source)->namespaces()) {
      own = own || (facts.own && facts.readable());
      hidden = hidden || !facts.readable();
    }
    _exit(own && hidden ? 0 : 4);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace netrec
