#include "schema/ip_address.h"

#include <gtest/gtest.h>

namespace netrec {
namespace {

Prefix prefix(std::string_view text) {
  const auto parsed = parse_prefix(text);
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or(Prefix{});
}

bool contains(std::string_view net, std::string_view host) {
  const Prefix address = prefix(host);
  return prefix(net).contains(address.address, address.family);
}

TEST(IpAddress, PrintsAsPeopleWriteIt) {
  for (const char* text : {"0.0.0.0", "192.0.2.7", "255.255.255.255", "::", "::1", "2001:db8::1",
                           "::ffff:192.0.2.7", "fe80::1:2:3:4"}) {
    const Prefix parsed = prefix(text);
    EXPECT_EQ(to_string(parsed.address, parsed.family), text);
  }
}

TEST(IpAddress, PrintsAnEndWithItsPort) {
  const Prefix four = prefix("192.0.2.7");
  const Prefix six = prefix("2001:db8::1");
  EXPECT_EQ(endpoint_text(four.address, 80, four.family), "192.0.2.7:80");
  EXPECT_EQ(endpoint_text(four.address, 0, four.family), "192.0.2.7:*");
  EXPECT_EQ(endpoint_text(six.address, 443, six.family), "[2001:db8::1]:443");
}

TEST(IpAddress, KnowsLoopbackInEachDisguise) {
  for (const char* text : {"127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.9"}) {
    const Prefix parsed = prefix(text);
    EXPECT_TRUE(is_loopback(parsed.address, parsed.family)) << text;
  }
  for (const char* text : {"128.0.0.1", "::2", "::ffff:10.0.0.1", "7f00::1"}) {
    const Prefix parsed = prefix(text);
    EXPECT_FALSE(is_loopback(parsed.address, parsed.family)) << text;
  }
}

TEST(Prefix, ContainsWhatBeginsLikeIt) {
  EXPECT_TRUE(contains("10.0.0.0/8", "10.255.0.1"));
  EXPECT_FALSE(contains("10.0.0.0/8", "11.0.0.1"));
  EXPECT_TRUE(contains("0.0.0.0/0", "203.0.113.9"));
  EXPECT_TRUE(contains("203.0.113.9", "203.0.113.9"));
  EXPECT_FALSE(contains("203.0.113.9/32", "203.0.113.8"));
  EXPECT_TRUE(contains("2001:db8::/32", "2001:db8:ffff::1"));
  EXPECT_TRUE(contains("2001:db8::/65", "2001:db8::7fff:0:0:1"));
  EXPECT_FALSE(contains("2001:db8::/65", "2001:db8::8000:0:0:1"));
  EXPECT_FALSE(contains("::/0", "10.0.0.1"));
}

TEST(Prefix, OfIpv4AlsoContainsMappedAddresses) {
  EXPECT_TRUE(contains("10.0.0.0/8", "::ffff:10.1.2.3"));
  EXPECT_FALSE(contains("10.0.0.0/8", "::ffff:11.1.2.3"));
}

TEST(Prefix, ClearsTheBitsBehindIt) {
  EXPECT_EQ(to_string(prefix("192.0.2.255/25").address, Family::inet), "192.0.2.128");
  EXPECT_EQ(to_string(prefix("[2001:db8::ffff]/64").address, Family::inet6), "2001:db8::");
}

TEST(Prefix, RefusesWhatIsNoAddress) {
  for (const char* text : {"", "/", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0/8", "10.0.0.0/8x",
                           "10.0.0.0/-1", "[::1", "nonsense", "10.0.0.1 "})
    EXPECT_FALSE(parse_prefix(text)) << text;
}

}  // namespace
}  // namespace netrec
