// Reads lives out of a timeline: the one way history is read, by netrec's commands and by the
// virtual tables. Sealed chunks are asked by their headers first and unpacked by column; what is
// not sealed yet is walked.
#pragma once

#include <algorithm>
#include <bitset>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "schema/connection.h"
#include "schema/ip_address.h"
#include "schema/result.h"
#include "store/sql_cell.h"
#include "store/timeline.h"

namespace netrec {

struct HistoryOrder;
struct Neighbours;

struct PortRange {
  std::uint16_t first = 0;
  std::uint16_t last = 65535;
};

/// A field of a socket, as SQL shows it, lies in [least, most].
struct FieldTest {
  std::uint16_t field = 0;
  bool zero_is_null = false;  ///< 0 is shown as NULL, which lies nowhere
  bool is_signed = false;     ///< an identifier: from 2^63 on it is shown below 0
  std::int64_t least = INT64_MIN;
  std::int64_t most = INT64_MAX;

  bool holds(std::uint64_t value) const { return range().holds(value); }

  /// The same, to be asked of many values.
  struct NumberRange {
    std::uint64_t least = 0;
    std::uint64_t width = 0;  ///< to the most; both modulo 2^64
    std::uint64_t never = 0;  ///< 1: 0 does not lie in it
    bool is_empty = false;

    // Without a branch: of many rows some hold, and which cannot be foreseen.
    bool holds(std::uint64_t value) const {
      return ((value - least <= width) & (value >= never) & !is_empty) != 0;
    }
  };
  NumberRange range() const {
    NumberRange range{.never = zero_is_null ? 1u : 0u, .is_empty = least > most};
    // Unsigned, what is larger than SQLite's largest number is shown as that.
    const std::int64_t from = is_signed ? least : std::max<std::int64_t>(least, 0);
    range.is_empty = range.is_empty || from > most;
    range.least = static_cast<std::uint64_t>(from);
    const bool has_no_end = !is_signed && most == INT64_MAX;
    range.width = (has_no_end ? UINT64_MAX : static_cast<std::uint64_t>(most)) - range.least;
    return range;
  }
};

/// What is wanted. The lists are hints: any of each list may match, an empty list means all; a row
/// that cannot match may be left out, a row that does not match may still come. Only the time range
/// and the tests are exact. The caller filters what it gets.
struct Wanted {
  WallTime from = WallTime::min();  ///< lives that touch [from, to]
  WallTime to = WallTime::max();
  std::vector<Prefix> remote;
  std::vector<Prefix> local;
  std::vector<PortRange> remote_ports;
  std::vector<PortRange> local_ports;
  std::vector<Transport> transports;
  std::vector<std::uint32_t> pids;
  std::vector<std::string> programs;       ///< executables, whole or without their folder, or comm
  std::vector<std::string> namespaces;     ///< network namespaces, by their name
  std::vector<std::string> names;          ///< that led to the remote end, or were asked for
  std::vector<FieldTest> tests;            ///< of connections: all must hold
  std::optional<std::bitset<128>> fields;  ///< by index in fields_of<Socket>(); the others stay 0
  bool transitions = true;                 ///< false: Connection::transitions stays empty
  bool ends = true;                        ///< false: how a life ended may stay 0
  /// Of a file that is one of several: see store/rotation.h.
  Neighbours* neighbours = nullptr;
  /// In this order, part by part (store/history_order.h). REQUIRES: no neighbours.
  const HistoryOrder* order = nullptr;
};

/// Gets one row; `names` holds the texts, processes, users and namespaces it refers to, for the
/// time of the call. Returns false to stop.
using ConnectionSink = std::function<bool(const Connection& row, const Snapshot& names)>;

/// Lives that ended in one chunk, column by column (store/history_columns.h).
struct ConnectionColumns;

/// Gets those of one chunk, to keep if it likes. Returns false to stop.
using ConnectionColumnsSink =
    std::function<bool(const std::shared_ptr<const ConnectionColumns>& lives)>;

/// Every socket (of any transport) whose life touches the range: in order of their end, those still
/// alive last. A recorder that was stopped and started on the same boot does not make two of one
/// socket. Returns the damage met on the way; errors: io, corrupt (nothing can be read).
Result<std::vector<Damage>> scan_connections(const Timeline& timeline, const Wanted& wanted,
                                             const ConnectionSink& sink);
/// The same; where a chunk can tell its lives as columns, `columns` gets them instead.
Result<std::vector<Damage>> scan_connections(const Timeline& timeline, const Wanted& wanted,
                                             const ConnectionSink& sink,
                                             const ConnectionColumnsSink& columns);

/// The same for peers of sockets without a connection.
using PeerSink = std::function<bool(const Peer& row, const Snapshot& names)>;
Result<std::vector<Damage>> scan_peers(const Timeline& timeline, const Wanted& wanted,
                                       const PeerSink& sink);

/// And for names asked for.
using ResolutionSink = std::function<bool(const Resolution& row, const Snapshot& names)>;
Result<std::vector<Damage>> scan_resolutions(const Timeline& timeline, const Wanted& wanted,
                                             const ResolutionSink& sink);

}  // namespace netrec
