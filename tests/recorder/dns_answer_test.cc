#include "recorder/dns_answer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace netrec {
namespace {

using namespace std::string_view_literals;

Result<DnsAnswer> parse(std::string_view bytes) {
  return parse_dns_answer(std::as_bytes(std::span(bytes.data(), bytes.size())));
}

// www.example.org is a CNAME of a.example.net, which has 192.0.2.1 and 192.0.2.2.
const std::string kAnswer(
    "\x12\x34\x81\x80\0\1\0\3\0\0\0\0"
    "\3WWW\7example\3org\0\0\1\0\1"
    "\xc0\x0c\0\5\0\1\0\0\0\x3c\0\x0f\1a\7example\3net\0"
    "\xc0\x2d\0\1\0\1\0\0\0\x1e\0\4\xc0\0\2\1"
    "\xc0\x2d\0\1\0\1\0\0\0\x1e\0\4\xc0\0\2\2"sv);

TEST(DnsAnswer, GivesTheNameAskedForAndTheAddressesAtTheEndOfTheChain) {
  const auto answer = parse(kAnswer);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->name, "www.example.org");
  EXPECT_EQ(answer->query_type, 1);
  EXPECT_EQ(answer->response_code, 0);
  const std::vector<ResolvedAddress> wanted = {{{0, 0xc0000201}, Family::inet, 30},
                                               {{0, 0xc0000202}, Family::inet, 30}};
  EXPECT_EQ(answer->addresses, wanted);
}

TEST(DnsAnswer, ANameThatDoesNotExistHasNoAddresses) {
  const auto answer = parse("\x12\x34\x81\x83\0\1\0\0\0\0\0\0\4nope\7example\3org\0\0\1\0\1"sv);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->name, "nope.example.org");
  EXPECT_EQ(answer->response_code, 3);
  EXPECT_TRUE(answer->addresses.empty());
}

TEST(DnsAnswer, AQueryIsNoAnswer) {
  std::string query = kAnswer;
  query[2] = '\x01';
  const auto answer = parse(query);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::unsupported);
}

TEST(DnsAnswer, TruncatedAnywhereItIsAnError) {
  for (std::size_t size = 0; size < kAnswer.size(); ++size)
    EXPECT_FALSE(parse(std::string_view(kAnswer).substr(0, size))) << size;
}

TEST(DnsAnswer, AnyFlippedByteIsAnAnswerOrAnErrorAndNothingElse) {
  for (std::size_t i = 0; i < kAnswer.size(); ++i)
    for (const int bits : {0x01, 0x80, 0xff}) {
      std::string damaged = kAnswer;
      damaged[i] = static_cast<char>(damaged[i] ^ bits);
      const auto answer = parse(damaged);
      if (answer) {
        EXPECT_LE(answer->addresses.size(), kMostAddresses);
      }
    }
}

// A name compressed to itself.
TEST(DnsAnswer, ANameThatPointsAtItselfIsAnError) {
  EXPECT_FALSE(parse("\x12\x34\x81\x80\0\1\0\0\0\0\0\0\xc0\x0c\0\1\0\1"sv));
}

}  // namespace
}  // namespace netrec
