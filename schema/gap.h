// Time that is not vouched for, and things that happened to the recording itself: gaps are data,
// written like everything else, so that no answer is silently shorter than the truth.
#pragma once

#include <cstdint>
#include <string_view>

#include "schema/field.h"

namespace netrec {

/// Why something was not seen. Numbers are in the file.
enum class GapCause : std::uint8_t {
  recorder_stopped = 1,      ///< no recorder ran; it had ended its session properly
  recorder_killed = 2,       ///< no recorder ran; the session before has no end
  late_tick = 3,             ///< a tick came late by more than half an interval
  missed_tick = 4,           ///< whole ticks did not happen
  suspend = 5,               ///< the host slept (CLOCK_BOOTTIME ran on, CLOCK_MONOTONIC did not)
  clock_step = 6,            ///< the wall clock was set; `from` old, `to` new time
  buffer_overrun = 7,        ///< ENOBUFS: the kernel had more to say than fitted
  dump_interrupted = 8,      ///< NLM_F_DUMP_INTR: the tables changed under the dump
  namespace_unreadable = 9,  ///< a network namespace could not be entered
  process_unreadable = 10,   ///< descriptors or identity of processes could not be read
  not_privileged = 11,       ///< the recorder lacked a privilege for what `detail` says
  disk_full = 12,            ///< recording paused for want of room
  pruned = 13,               ///< dropped by retention (--max-size, --max-age)
  damaged = 14,              ///< found on reading: part of the log is not readable
  unsupported = 15,          ///< the kernel does not offer what `detail` says
  left_out = 16,             ///< the user asked not to record it (--no-unix, --namespace)
  event_loss = 17,           ///< `count` events were lost on their way from the kernel
};

/// Stable word for a cause: "recorder_killed", …; "unknown" for one from a newer version.
std::string_view name(GapCause cause);

/// True if between the gap's ends sockets may have come and gone unseen; the others (left out, not
/// privileged, unsupported, clock steps, late ticks) limit what is known of what was seen.
bool hides_time(GapCause cause);

struct Gap {
  std::uint64_t id = 0;  ///< counts up in a file
  std::uint64_t from_us = 0;
  std::uint64_t to_us = 0;              ///< 0: goes on until the session ends
  std::uint64_t count = 0;              ///< of what was lost, where it can be counted
  std::uint32_t network_namespace = 0;  ///< 0: all
  std::uint32_t detail = 0;             ///< Text, for people
  GapCause cause = GapCause::damaged;

  bool operator==(const Gap&) const = default;
};

template <>
struct EntityTraits<Gap> {
  static constexpr EntityKind kind = EntityKind::gap;
  static constexpr std::string_view name = "gap";
  static std::span<const Field<Gap>> fields();
  static std::uint64_t key(const Gap& row) { return row.id; }
};

}  // namespace netrec
