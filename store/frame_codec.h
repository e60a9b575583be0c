// A delta as bytes, and back: the one canonical form that is stored, hashed and rebuilt from
// chunks.
//
// Column-wise within a frame and driven by the field tables, so that a new field costs nothing
// here; a column that is zero in every row is left out, so that a file written before a field
// existed has the same canonical bytes afterwards.
//
//   delta    := kind* 0x00
//   kind     := EntityKind:byte opened:varint changed:varint closed:varint
//               block{ceil(opened / 4096)} changes? closes?      a kind without entries is left out
//   block    := columns:varint (field:varint column)*            fields ascending; at most 4096
//   rows
//               (kind text only) length:varint* bytes            the strings of the block
//   changes  := keys column(field) column(at) column(value)
//   closes   := keys column(at) column(reason)
//   keys     := zigzag(key - key before):varint*
//   column   := 0x00 value:varint                                the same in every row
//             | 0x01 value:varint*
//             | 0x02 zigzag(value - value before):varint*
//
// Of the three forms of a column the shortest is used, the first of equals. Refused: rows one after
// another (compresses a third worse), one run of columns over a whole keyframe (a hundred thousand
// rows walked once a field, out of every cache).
#pragma once

#include <string>
#include <string_view>

#include "schema/delta.h"
#include "schema/result.h"

namespace netrec {

/// Rows of one block of opened entities.
inline constexpr std::size_t kBlockRows = 4096;

/// What a reader believes at most of one frame: a host with a million sockets fits, and a lying
/// frame costs less than a gigabyte for a moment.
inline constexpr std::size_t kMostFrameBytes = 256 << 20;
inline constexpr std::size_t kMostOpened = 1 << 20;
inline constexpr std::size_t kMostChanges = 8 << 20;

/// The canonical bytes of `delta`. REQUIRES canonical order (sort(Delta&)).
std::string encode_delta(const Delta& delta);

/// The canonical bytes of diff({}, snapshot), without making that delta.
std::string encode_keyframe(const Snapshot& snapshot);

/// Undoes both. Errors: corrupt.
Result<Delta> decode_delta(std::string_view bytes);

/// decode_delta() of a keyframe's bytes, straight into a snapshot. Errors: corrupt (also if it
/// changes or closes something).
Result<Snapshot> decode_keyframe(std::string_view bytes);

}  // namespace netrec
