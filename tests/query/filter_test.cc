#include "query/filter.h"

#include <gtest/gtest.h>

namespace netrec {
namespace {

/// A TLS connection of nginx to 203.0.113.7, named cdn.example.org, in namespace "web".
class FilterTest : public testing::Test {
 protected:
  FilterTest() {
    std::uint32_t next = 1;
    const auto text = [&](std::string bytes) {
      names.of<Text>().insert({next, std::move(bytes)});
      return next++;
    };
    names.of<User>().insert({33, text("www-data")});
    Process nginx;
    nginx.id = 1;
    nginx.pid = 812;
    nginx.comm = text("nginx");
    nginx.exe = text("/usr/sbin/nginx");
    nginx.command_line = text(std::string("nginx\0-g\0daemon off;\0", 21));
    nginx.cgroup = text("/system.slice/nginx.service");
    names.of<Process>().insert(nginx);
    Process helper;
    helper.id = 2;
    helper.pid = 900;
    helper.comm = text("systemd-resolve");
    helper.exe = text("/usr/lib/systemd/systemd-resolved");
    names.of<Process>().insert(helper);
    NetworkNamespace web;
    web.id = 3;
    web.inode = 4026532512;
    web.name = text("web");
    names.of<NetworkNamespace>().insert(web);
    Interface eth0;
    eth0.network_namespace = 3;
    eth0.index = 2;
    eth0.name = text("eth0");
    names.of<Interface>().insert(eth0);

    socket.cookie = 77;
    socket.family = Family::inet;
    socket.transport = Transport::tcp;
    socket.state = TcpState::established;
    socket.network_namespace = 3;
    socket.interface = 2;
    socket.local.low = 0x0a000005;
    socket.local_port = 40000;
    socket.remote.low = 0xcb007107;
    socket.remote_port = 443;
    socket.remote_name = text("cdn.example.org");
    socket.process = 1;
    socket.sharers = text("1:6,2:9");
    socket.uid = 33;
    socket.inode = 4711;
    socket.receive_queue = 12;
    socket.rtt_us = 120'000;
    socket.bytes_received = 3 << 20;
  }

  bool matches(std::string_view text) const {
    const auto filter = Filter::parse(text);
    EXPECT_TRUE(filter.has_value()) << filter.error().message;
    return filter && filter->matches(socket, names);
  }

  Snapshot names;
  Socket socket;
};

std::string error_of(std::string_view text) {
  const auto filter = Filter::parse(text);
  return filter ? "" : filter.error().message;
}

TEST_F(FilterTest, MatchesEverythingIfEmpty) {
  EXPECT_TRUE(matches(""));
  EXPECT_TRUE(Filter::parse("  ")->matches_everything());
  EXPECT_FALSE(Filter::parse("tcp")->matches_everything());
}

TEST_F(FilterTest, AsksForStatesByAnyOfTheirNames) {
  for (const char* yes :
       {"state established", "state ESTABLISHED", "state estab", "state = all", "state connected",
        "state synchronized", "state big", "exclude listening", "state syn-sent,established",
        "state time-wait state established", "state != time_wait"})
    EXPECT_TRUE(matches(yes)) << yes;
  for (const char* no : {"state time-wait", "state TIME_WAIT", "state bucket", "state listening",
                         "exclude established", "state fin-wait-1", "state FIN_WAIT2",
                         "state time-wait and state established", "exclude connected"})
    EXPECT_FALSE(matches(no)) << no;
}

TEST_F(FilterTest, AsksForAddressesAndPorts) {
  for (const char* yes : {"dst 203.0.113.7",
                          "dst 203.0.113.0/24",
                          "dst 203.0.113.7:443",
                          "dst 203.0.113.0/24:https",
                          "dst = 203.0.113.7",
                          "dst != 10.0.0.1",
                          "src 10.0.0.0/8",
                          "src 10.0.0.5:40000",
                          "dst :443",
                          "dst *:443",
                          "dst *",
                          "addr 10.0.0.5",
                          "dport = :443",
                          "dport 443",
                          "dport https",
                          "dport eq :https",
                          "sport >= 1024",
                          "sport gt 1024",
                          "dport < 1024",
                          "dport le 443",
                          "dport != 80",
                          "dport = 440-450",
                          "port 443",
                          "port = 40000",
                          "dport neq :80"})
    EXPECT_TRUE(matches(yes)) << yes;
  for (const char* no : {"dst 203.0.114.0/24", "dst 203.0.113.7:80", "src 203.0.113.7",
                         "dport = :80", "sport < 1024", "dport > 443", "dport 8000-8999",
                         "dst [::1]", "dst != 203.0.113.7", "dport < 0", "dport > 65535"})
    EXPECT_FALSE(matches(no)) << no;
}

TEST_F(FilterTest, ReadsIpv6InEveryUsualSpelling) {
  socket.family = Family::inet6;
  socket.remote = {0x20010db800000000, 1};
  for (const char* yes : {"dst 2001:db8::1", "dst [2001:db8::1]", "dst [2001:db8::1]:443",
                          "dst 2001:db8::/32", "dst [2001:db8::/32]:443", "dst [2001:db8::]/32"})
    EXPECT_TRUE(matches(yes)) << yes;
  EXPECT_FALSE(matches("dst 2001:db9::/32"));
  EXPECT_FALSE(matches("dst 203.0.113.7"));
}

TEST_F(FilterTest, FindsIpv4InsideMappedIpv6) {
  socket.family = Family::inet6;
  socket.remote = {0, 0xffff'cb00'7107};
  EXPECT_TRUE(matches("dst 203.0.113.0/24"));
}

TEST_F(FilterTest, AsksForPortsOnlyWhereThereAreSome) {
  socket.family = Family::unix;
  socket.transport = Transport::unix;
  EXPECT_FALSE(matches("sport >= 0"));
  EXPECT_FALSE(matches("dst *"));
}

TEST_F(FilterTest, AsksForTheOwner) {
  for (const char* yes :
       {"process nginx", "process = nginx", "process ng*", "process ~ GIN", "process != sshd",
        "exe /usr/sbin/nginx", "exe nginx", "exe /usr/*", "exe ~ sbin", "pid 812", "pid = 812",
        "pid > 800", "user www-data", "user 33", "uid 33", "user != root", "command ~ 'daemon off'",
        "cgroup ~ nginx.service"})
    EXPECT_TRUE(matches(yes)) << yes;
  for (const char* no : {"process ngin", "process !~ ngi", "exe /bin/*", "pid 813", "user root",
                         "user = 0", "command ~ nothing"})
    EXPECT_FALSE(matches(no)) << no;
}

TEST_F(FilterTest, AsksEveryHolderOfASharedSocket) {
  EXPECT_TRUE(matches("pid 900"));
  EXPECT_TRUE(matches("process systemd-resolve"));
  EXPECT_TRUE(matches("process systemd-resolved")) << "the kernel cuts comm, not exe";
  EXPECT_TRUE(matches("shared"));
  socket.sharers = 0;
  EXPECT_FALSE(matches("pid 900"));
}

TEST_F(FilterTest, AsksForWhatElseIsKnown) {
  for (const char* yes : {"name cdn.example.org",
                          "name *.example.org",
                          "namespace web",
                          "namespace 4026532512",
                          "dev eth0",
                          "inode 4711",
                          "cookie 77",
                          "proto tcp",
                          "proto tcp4",
                          "tcp",
                          "inet",
                          "recv-q > 0",
                          "receive_queue = 12",
                          "rtt > 100ms",
                          "rtt_us >= 120000",
                          "bytes_received >= 3M",
                          "autobound",
                          "cookie 0x4d",
                          "not loopback",
                          "not orphan"})
    EXPECT_TRUE(matches(yes)) << yes;
  for (const char* no :
       {"name example.org", "namespace lab", "dev lo", "udp", "proto tcp6", "unix", "inet6",
        "send-q > 0", "rtt > 1s", "bytes_received > 3M", "loopback", "proto != tcp"})
    EXPECT_FALSE(matches(no)) << no;
}

TEST_F(FilterTest, AsksForPathsOfUnixSockets) {
  names.of<Text>().insert({99, "/run/dbus/socket"});
  socket.family = Family::unix;
  socket.transport = Transport::unix;
  socket.path = 99;
  EXPECT_TRUE(matches("src unix:/run/*"));
  EXPECT_TRUE(matches("path /run/dbus/socket"));
  EXPECT_TRUE(matches("unix and path ~ dbus"));
  EXPECT_FALSE(matches("src unix:/tmp/*"));
}

TEST_F(FilterTest, CombinesAsSsDoes) {
  for (const char* yes :
       {"tcp dport 443", "tcp and dport 443", "tcp && dport 443", "tcp & dport 443",
        "udp or dport 443", "udp || tcp", "udp | tcp", "not udp", "! udp", "!udp",
        "not ( udp or dport = :80 )", "udp and tcp or dport 443", "dport 443 or udp and sport 1",
        "((tcp))", "not not tcp"})
    EXPECT_TRUE(matches(yes)) << yes;
  for (const char* no : {"tcp dport 80", "udp or dport 80", "not tcp",
                         "( udp or tcp ) and dport 80", "not ( tcp and dport 443 )"})
    EXPECT_FALSE(matches(no)) << no;
}

TEST_F(FilterTest, AsksALifeForStatesItEverWasIn) {
  Connection life;
  life.socket = socket;
  life.transitions = {{1, 1, TcpState::syn_sent}, {2, 2, TcpState::established}};
  EXPECT_TRUE(Filter::parse("state syn-sent")->matches(life, names));
  EXPECT_TRUE(Filter::parse("state established")->matches(life, names));
  EXPECT_FALSE(Filter::parse("state time-wait")->matches(life, names));
  EXPECT_FALSE(Filter::parse("exclude syn-sent")->matches(life, names));
  EXPECT_FALSE(Filter::parse("state syn-sent and not state established")->matches(life, names));
}

TEST(Filter, PointsAtTheCharacterAndSaysWhatWasExpected) {
  EXPECT_EQ(error_of("dst 10.0.0.1 dport = tuesday"),
            "cannot read this filter: this is not a port\n"
            "  dst 10.0.0.1 dport = tuesday\n"
            "                       ^ expected a number 0 to 65535, a range 8000-8999 or the name "
            "of a service");
  EXPECT_EQ(error_of("( tcp and udp"),
            "cannot read this filter: this parenthesis is not closed\n"
            "  ( tcp and udp\n"
            "  ^ expected a ')' further on");
  EXPECT_EQ(error_of("tcp )"),
            "cannot read this filter: a parenthesis was never opened\n"
            "  tcp )\n"
            "      ^ expected nothing more, or a '(' before");
  EXPECT_EQ(error_of("procss nginx"),
            "cannot read this filter: there is nothing of this name to ask for\n"
            "  procss nginx\n"
            "  ^ expected 'process', perhaps");
  EXPECT_NE(error_of("state time-wait,nowhere").find("\n                  ^ expected established"),
            std::string::npos);
}

TEST(Filter, EscapesWhatItQuotes) {
  EXPECT_NE(error_of("\x1b[31m x").find("\\x1b[31m"), std::string::npos);
  EXPECT_EQ(error_of("\x1b[31m x").find('\x1b'), std::string::npos);
}

TEST(Filter, RefusesWhatCannotBeAsked) {
  for (const char* text : {"and",
                           "tcp and",
                           "tcp or or udp",
                           "not",
                           "()",
                           "state",
                           "state nowhere",
                           "dst",
                           "dst 1.2.3",
                           "dst 10.0.0.0/99",
                           "dst [::1",
                           "dst 10.0.0.1:x",
                           "dport",
                           "dport = :",
                           "dport ~ 1",
                           "dport 70000",
                           "dport 90-80",
                           "pid x",
                           "pid ~ 1",
                           "pid =",
                           "user < root",
                           "process",
                           "'tcp'",
                           "\"open",
                           "rtt > 1parsec",
                           "bytes_sent > 99999999999999999999",
                           "proto xyz",
                           "opened_us > 1",
                           "mark 5z"})
    EXPECT_NE(error_of(text), "") << text;
}

TEST(Filter, RefusesNestingThatWouldExhaustTheStack) {
  EXPECT_NE(error_of(std::string(100'000, '(') + "tcp").find("too deeply"), std::string::npos);
  std::string nots;
  for (int i = 0; i < 1000; ++i) nots += "not ";
  EXPECT_NE(error_of(nots + "tcp").find("too deeply"), std::string::npos);
}

TEST(Filter, NarrowsHistoryToWhatCanMatch) {
  Wanted wanted;
  Filter::parse("dst 203.0.113.0/24 and dport = :443 and proto tcp")->narrow(wanted);
  ASSERT_EQ(wanted.remote.size(), 1u);
  EXPECT_EQ(wanted.remote[0].bits, 24);
  ASSERT_EQ(wanted.remote_ports.size(), 1u);
  EXPECT_EQ(wanted.remote_ports[0].first, 443);
  EXPECT_EQ(wanted.transports, std::vector<Transport>{Transport::tcp});
}

TEST(Filter, NarrowsByAlternativesOnlyIfAllOfThemDo) {
  Wanted wanted;
  Filter::parse("dst 10.0.0.1 or dst 10.0.0.2")->narrow(wanted);
  EXPECT_EQ(wanted.remote.size(), 2u);
  Wanted open;
  Filter::parse("dst 10.0.0.1 or process nginx")->narrow(open);
  EXPECT_TRUE(open.remote.empty());
  Wanted negated;
  Filter::parse("not dst 10.0.0.1 and not udp")->narrow(negated);
  EXPECT_TRUE(negated.remote.empty());
  EXPECT_TRUE(negated.transports.empty());
}

TEST(Filter, SaysWhichFieldsItReads) {
  const auto reads = [](const char* text, std::string_view field) {
    const auto bits = Filter::parse(text)->fields();
    const auto fields = fields_of<Socket>();
    for (std::size_t i = 0; i < fields.size(); ++i)
      if (fields[i].name == field) return bits.test(i);
    return false;
  };
  EXPECT_TRUE(reads("dst 10.0.0.1", "remote_low"));
  EXPECT_FALSE(reads("dst 10.0.0.1", "local_low"));
  EXPECT_TRUE(reads("not (process x or rtt > 5)", "process"));
  EXPECT_TRUE(reads("not (process x or rtt > 5)", "rtt_us"));
}

}  // namespace
}  // namespace netrec
