// The hash chain over the log: what makes a timeline evidence.
//
//   h(n) = BLAKE2b-256(h(n-1) || header(n) || canonical bytes of frame n)
//   header = FrameKind:byte begins_session:byte sequence:u64 wall_us:i64 boot_us:i64
//   (little-endian)
//
// h(0) is 32 zero bytes. Refused: SHA-256 (three times slower without the instructions), a hash a
// chunk (the chain must not change where frames are sealed).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "schema/delta.h"
#include "schema/result.h"

namespace netrec {

struct ChainHash {
  std::array<unsigned char, 32> bytes{};

  bool operator==(const ChainHash&) const = default;
  std::string_view view() const {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
};

/// The 32 bytes as they are in the file. Errors: corrupt (another length).
Result<ChainHash> chain_hash(std::string_view bytes);

std::string to_hex(const ChainHash& hash);

/// What stands in front of a frame's bytes.
struct FrameHeader {
  FrameKind kind = FrameKind::delta;
  bool begins_session = false;  ///< a keyframe that is not a restatement of what was there
  std::uint64_t sequence = 0;
  WallTime wall{};
  std::chrono::microseconds boot{};

  bool operator==(const FrameHeader&) const = default;
};
inline FrameHeader header_of(const Frame& frame, bool begins_session) {
  return {.kind = frame.kind,
          .begins_session = begins_session,
          .sequence = frame.sequence,
          .wall = frame.wall,
          .boot = frame.boot};
}

ChainHash next_hash(const ChainHash& before, const FrameHeader& header, std::string_view canonical);

}  // namespace netrec
