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
#include "store/field_test.h"
#include "store/timeline.h"

namespace netrec {

struct HistoryOrder;
struct Neighbours;

struct PortRange {
  std::uint16_t first = 0;
  std::uint16_t last = 65535;
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
