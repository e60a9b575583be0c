// Who wears ports out: TIME_WAIT and ephemeral ports over time. A port is not scarce as such: the
// kernel may use it once for each (local address, remote address, remote port), so that is what is
// counted against ip_local_port_range; TIME_WAITs are limited for a whole network namespace
// (tcp_max_tw_buckets), so there they are added up.
//
// Passes over the lives: one finds out which ends matter, the next follows those in time. Memory
// depends on the number of ends, not of connections.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "query/context.h"
#include "query/direction.h"
#include "query/series.h"
#include "schema/connection.h"

namespace netrec {

/// Outgoing: whom we call from which address. Incoming: our service.
struct ChurnEnd {
  std::uint32_t network_namespace = 0;
  Direction direction = Direction::outgoing;
  Family family = Family::none;
  IpAddress local;
  std::uint16_t local_port = 0;  ///< 0 if outgoing
  IpAddress remote;              ///< zero if incoming
  std::uint16_t remote_port = 0;

  auto operator<=>(const ChurnEnd&) const = default;
};

/// What happened at one end.
struct ChurnRow {
  ChurnEnd end;
  std::uint64_t opened = 0;
  std::uint64_t closed = 0;
  std::uint64_t time_waits = 0;  ///< entered
  Peak opened_a_second;
  Peak ports;                           ///< in use at once, TIME_WAIT included
  Peak in_time_wait;                    ///< at once
  std::uint32_t ports_there = 0;        ///< ip_local_port_range; 0 if incoming
  std::string program;                  ///< opened most of them; "" if unknown
  std::uint32_t pid = 0;                ///< 0: several, or unknown
  std::uint64_t processes = 0;          ///< of that program
  std::vector<std::uint64_t> activity;  ///< ports in use over the range

  /// Share of the ports there are, in percent; 0 if incoming.
  double percent() const;
};

/// TIME_WAITs of a network namespace.
struct TimeWaitRow {
  std::uint32_t network_namespace = 0;
  std::string name;
  std::uint64_t entered = 0;
  Peak at_once;
  std::uint32_t limit = 0;  ///< tcp_max_tw_buckets; 0: not known
  std::vector<std::uint64_t> activity;

  double percent() const;
};

struct Churn {
  std::vector<ChurnRow> ends;  ///< those nearest to their limit, then the busiest, first
  std::vector<TimeWaitRow> namespaces;
  std::uint64_t ends_in_all = 0;
};

class ChurnAnalysis {
 public:
  /// `columns`: length of the activity lines.
  ChurnAnalysis(const TimeRange& range, std::size_t columns);
  ~ChurnAnalysis();

  /// Before the first pass: what listened, which says who called whom.
  void learn(const Connection& connection) { directions_.learn(connection); }
  /// First pass. TCP only; others are ignored.
  void tally(const Connection& connection, const Snapshot& names);
  /// Between the passes: the `limit` ends with the most ports used are followed.
  void choose(std::size_t limit);
  /// Second pass, over the same lives.
  void follow(const Connection& connection, const Snapshot& names);

  Churn result() const;

 private:
  struct Programs;
  struct Tally;
  struct Followed;
  struct Waits;

  ChurnEnd end_of(const Connection& connection, const Snapshot& names);
  void follow_time_waits(const Connection& connection, const Snapshot& names);

  std::uint64_t from_us_;
  std::uint64_t to_us_;
  std::size_t columns_;
  Directions directions_;
  std::map<ChurnEnd, Tally> tallies_;
  std::map<ChurnEnd, Followed> followed_;
  std::map<std::uint32_t, Waits> waits_;
};

/// "10.0.0.5 -> 10.0.0.9:5432: 24 012 of 28 232 ports at 12:03:10 (85 %), by worker[812]".
std::string verdict(const ChurnRow& row, TimeStyle times);

}  // namespace netrec
