#include "store/wanted_names.h"

#include <gtest/gtest.h>

namespace netrec {
namespace {

/// A host on which process 1 is `program` when sockets are closed that it opened before.
EncodedChunk chunk_with(const std::string& program, bool has_new_names) {
  Snapshot before;
  before.of<Text>().insert({.id = 1, .bytes = program});
  before.of<Process>().insert({.id = 1, .pid = 100, .exe = 1});
  Frame frame{.sequence = 2, .wall = WallTime(std::chrono::seconds(1'700'000'001)), .delta = {}};
  if (has_new_names) frame.delta.of<Text>().opened.push_back({.id = 9, .bytes = "new"});
  for (std::uint32_t cookie = 1; cookie <= 3; ++cookie) {
    Socket row;
    row.cookie = cookie;
    row.process = 1;
    row.opened_us = 1'700'000'000'500'000;
    frame.delta.of<Socket>().opened.push_back(row);
    frame.delta.of<Socket>().closed.push_back({.key = cookie, .at = 0});
  }
  ChunkCarry carry;
  carry.begin(before);
  auto chunk = encode_chunk({.session = 1,
                             .first_sequence = 2,
                             .last_sequence = 2,
                             .previous_wall = WallTime(std::chrono::seconds(1'700'000'000)),
                             .frames = {&frame, 1},
                             .departed = {},
                             .carry = &carry});
  EXPECT_TRUE(chunk) << (chunk ? "" : chunk.error().message);
  return chunk ? *std::move(chunk) : EncodedChunk{};
}

class WantedNamesTest : public testing::Test {
 protected:
  std::shared_ptr<const Snapshot> read(const EncodedChunk& chunk) {
    const auto reader = ChunkReader::open(chunk.header, chunk.body);
    EXPECT_TRUE(reader);
    EXPECT_TRUE(reader && names_.read(*reader));
    return names_.names();
  }

  const Wanted wanted_ = [] {
    Wanted wanted;
    wanted.programs = {"nginx"};
    return wanted;
  }();
  const HistoryFilter filter_{wanted_};
  WantedNames names_{filter_};
};

TEST_F(WantedNamesTest, AreReadOnceWhereTheyAreTheSame) {
  const auto first = read(chunk_with("/usr/sbin/nginx", false));
  EXPECT_EQ(names_.processes(), Column{1});
  EXPECT_EQ(read(chunk_with("/usr/sbin/nginx", false)), first);
  EXPECT_EQ(names_.processes(), Column{1});
}

TEST_F(WantedNamesTest, AreReadAgainWhereTheyDiffer) {
  const auto first = read(chunk_with("/usr/sbin/nginx", false));
  EXPECT_EQ(names_.processes(), Column{1});
  const auto second = read(chunk_with("/usr/sbin/ngimx", false));
  EXPECT_NE(second, first);
  EXPECT_EQ(second->text(1), "/usr/sbin/ngimx");
  EXPECT_EQ(names_.processes(), Column{});
  EXPECT_EQ(first->text(1), "/usr/sbin/nginx") << "who kept them has them still";
}

TEST_F(WantedNamesTest, AreAChunksAloneWhereSomeAreNewInIt) {
  const auto first = read(chunk_with("/usr/sbin/nginx", true));
  EXPECT_EQ(first->text(9), "new");
  const auto second = read(chunk_with("/usr/sbin/nginx", false));
  EXPECT_NE(second, first);
  EXPECT_EQ(second->text(9), "");
  EXPECT_EQ(names_.processes(), Column{1});
}

}  // namespace
}  // namespace netrec
