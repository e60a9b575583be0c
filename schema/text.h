// A string of the timeline: paths, command lines, names. Stored once, referred to by id.
//
// The bytes are whatever the host held: not UTF-8, not printable, not to be trusted. Whoever prints
// them escapes them (query/escape.h).
#pragma once

#include <cstdint>
#include <string>

#include "schema/field.h"

namespace netrec {

/// Longest string kept; longer ones are cut there (a command line can be 2 MiB, execve(2)).
inline constexpr std::size_t kLongestText = 64 * 1024;

struct Text {
  std::uint32_t id = 0;  ///< never reused in a file; 0 means "no text" wherever it is referred to
  std::string bytes;

  bool operator==(const Text&) const = default;
};

template <>
struct EntityTraits<Text> {
  static constexpr EntityKind kind = EntityKind::text;
  static constexpr std::string_view name = "text";
  static std::span<const Field<Text>> fields();
  static std::uint64_t key(const Text& row) { return row.id; }
};

}  // namespace netrec
