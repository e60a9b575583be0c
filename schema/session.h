// One run of the recorder on one boot of one host, and the users whose names it knew.
#pragma once

#include <cstdint>

#include "schema/field.h"

namespace netrec {

/// How the sockets were observed. Numbers are in the file.
enum class CaptureMode : std::uint8_t { poll = 1, events = 2 };

struct Session {
  std::uint64_t started_us = 0;       ///< wall clock
  std::uint64_t started_boot_us = 0;  ///< CLOCK_BOOTTIME
  std::uint64_t interval_us = 0;      ///< of the ticks
  std::uint64_t capabilities = 0;     ///< the recorder's effective set, capabilities(7) bit numbers
  std::uint32_t id = 0;               ///< counts up in a file
  std::uint32_t host = 0;             ///< Text
  std::uint32_t boot_id = 0;          ///< Text, /proc/sys/kernel/random/boot_id
  std::uint32_t machine_id = 0;       ///< Text, /etc/machine-id
  std::uint32_t kernel = 0;           ///< Text, uname -sr and machine
  std::uint32_t version = 0;          ///< Text, netrec's
  std::uint32_t arguments = 0;        ///< Text, the recorder's command line
  std::uint32_t time_zone = 0;        ///< Text, as in TZ, and its offset then
  std::uint32_t limits = 0;           ///< Text, what it could not see, for people; 0 if all
  std::uint32_t pid = 0;
  std::uint32_t uid = 0;
  CaptureMode mode = CaptureMode::poll;

  bool operator==(const Session&) const = default;
};

template <>
struct EntityTraits<Session> {
  static constexpr EntityKind kind = EntityKind::session;
  static constexpr std::string_view name = "session";
  static std::span<const Field<Session>> fields();
  static std::uint64_t key(const Session& row) { return row.id; }
};

/// A user name as /etc/passwd of the recorded host said it (never NSS: no lookups while recording).
struct User {
  std::uint32_t uid = 0;
  std::uint32_t name = 0;  ///< Text

  bool operator==(const User&) const = default;
};

template <>
struct EntityTraits<User> {
  static constexpr EntityKind kind = EntityKind::user;
  static constexpr std::string_view name = "user";
  static std::span<const Field<User>> fields();
  static std::uint64_t key(const User& row) { return row.uid; }
};

}  // namespace netrec
