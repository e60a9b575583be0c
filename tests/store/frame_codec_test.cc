#include "store/frame_codec.h"

#include <gtest/gtest.h>

#include "store/bytes.h"
#include "store/log_reader.h"
#include "tests/store/simulated_host.h"

namespace netrec {
namespace {

Delta some_delta() {
  SimulatedHost host({.sockets = 40, .opened_each_tick = 5, .working = 0.5}, 4);
  host.begin_session();
  std::vector<Socket> departed;
  return host.tick(departed).delta;
}

Snapshot some_snapshot(std::size_t sockets) {
  SimulatedHost host({.sockets = sockets}, 5);
  host.begin_session();
  return host.now();
}

TEST(FrameCodec, GivesBackADelta) {
  const Delta delta = some_delta();
  ASSERT_FALSE(delta.of<Socket>().changed.empty());
  ASSERT_FALSE(delta.of<Socket>().closed.empty());
  const auto decoded = decode_delta(encode_delta(delta));
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(*decoded, delta);
}

TEST(FrameCodec, AnEmptyDeltaIsOneByte) {
  EXPECT_EQ(encode_delta({}), std::string(1, '\0'));
  EXPECT_TRUE(decode_delta(std::string(1, '\0'))->empty());
}

TEST(FrameCodec, AKeyframeIsADeltaFromNothing) {
  // More than a block, and one row in the last.
  for (const std::size_t sockets : {std::size_t{3}, kBlockRows, 2 * kBlockRows + 1}) {
    const Snapshot snapshot = some_snapshot(sockets);
    const std::string bytes = encode_keyframe(snapshot);
    EXPECT_EQ(bytes, encode_delta(diff({}, snapshot)));
    const auto decoded = decode_keyframe(bytes);
    ASSERT_TRUE(decoded) << decoded.error().message;
    EXPECT_EQ(*decoded, snapshot);
  }
}

TEST(FrameCodec, KeepsExtremeValues) {
  Delta delta;
  Socket socket;
  socket.cookie = UINT64_MAX;
  socket.bytes_sent = UINT64_MAX;
  socket.inode = UINT32_MAX;
  socket.local_port = UINT16_MAX;
  socket.flags = UINT8_MAX;
  delta.of<Socket>().opened = {socket};
  delta.of<Socket>().changed = {{.key = 0, .value = UINT64_MAX, .at = UINT32_MAX, .field = 9}};
  delta.of<Socket>().closed = {{.key = UINT64_MAX, .at = 1, .reason = CloseReason::unseen}};
  delta.of<Text>().opened = {{.id = 1, .bytes = std::string(kLongestText, '\xff')},
                             {.id = 2, .bytes = ""}};
  const auto decoded = decode_delta(encode_delta(delta));
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(*decoded, delta);
}

TEST(FrameCodec, RefusesEveryTruncation) {
  const std::string bytes = encode_delta(some_delta());
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(decode_delta(std::string_view(bytes).substr(0, size))) << size;
  EXPECT_FALSE(decode_delta(bytes + '\0'));
}

// A flip gives an error or another delta, never this one, and never a crash.
TEST(FrameCodec, TellsEveryFlippedByteApart) {
  const Delta delta = some_delta();
  const std::string bytes = encode_delta(delta);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (const char flip : {'\x01', '\x80', '\xff'}) {
      std::string flipped = bytes;
      flipped[i] = static_cast<char>(flipped[i] ^ flip);
      const auto decoded = decode_delta(flipped);
      EXPECT_TRUE(!decoded || encode_delta(*decoded) != bytes) << i;
    }
  }
}

TEST(FrameCodec, DoesNotBelieveALyingCount) {
  for (const std::uint64_t count : {std::uint64_t{1} << 20, std::uint64_t{1} << 62}) {
    for (int place = 0; place < 3; ++place) {
      std::string bytes(1, static_cast<char>(EntityKind::socket));
      for (int i = 0; i < 3; ++i) put_varint(bytes, i == place ? count : 0);
      bytes += std::string(100, '\0');
      const auto decoded = decode_delta(bytes);
      ASSERT_FALSE(decoded);
      EXPECT_EQ(decoded.error().kind, ErrorKind::corrupt);
    }
  }
}

TEST(FrameCodec, RefusesFieldsAndKindsOfANewerFormat) {
  std::string field(1, static_cast<char>(EntityKind::user));
  for (const std::uint64_t number : {1, 0, 0, 1, 99, 0, 7}) put_varint(field, number);
  field.push_back('\0');
  EXPECT_FALSE(decode_delta(field));
  EXPECT_FALSE(decode_delta(std::string("\x0c\x00\x00\x00\x00", 5)));
}

TEST(FrameCodec, RefusesKeysOutOfOrder) {
  Delta delta;
  delta.of<User>().opened = {{.uid = 2}, {.uid = 1}};
  EXPECT_FALSE(decode_delta(encode_delta(delta)));
  delta.of<User>().opened = {{.uid = 2}, {.uid = 2}};
  EXPECT_FALSE(decode_delta(encode_delta(delta)));
}

TEST(PackedFrame, IsFoundDamagedByAnyFlippedBit) {
  const std::string canonical = encode_keyframe(some_snapshot(100));
  const std::string packed = pack_frame(canonical);
  ASSERT_LT(packed.size(), canonical.size());
  EXPECT_EQ(*unpack_frame(packed), canonical);
  for (std::size_t bit = 0; bit < packed.size() * 8; ++bit) {
    std::string flipped = packed;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    const auto unpacked = unpack_frame(flipped);
    EXPECT_TRUE(!unpacked || *unpacked != canonical) << bit;
  }
  EXPECT_FALSE(unpack_frame(""));
  EXPECT_FALSE(unpack_frame("\x28"));
}

}  // namespace
}  // namespace netrec
