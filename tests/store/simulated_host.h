// A host whose sockets come, work and go as a seed says: the same in every run, so that a timeline
// can be compared with what it was written from. Not a mock of anything: the store has no seam to
// fake, it only needs ticks to write.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "schema/delta.h"
#include "store/timeline_writer.h"

namespace netrec {

struct HostLoad {
  std::size_t sockets = 50;
  double opened_each_tick = 2;  ///< on average; as many close
  double working = 0.1;         ///< part of the sockets whose counters move in a tick
  std::size_t programs = 5;
  std::size_t destinations = 20;
};

class SimulatedHost {
 public:
  SimulatedHost(const HostLoad& load, std::uint64_t seed);

  /// The state with which a session begins: the sockets the host has, and a new Session row.
  /// Ids go on where the session before left them.
  void begin_session();
  /// One second passes. The delta of it; `departed` gets the sockets that went.
  Frame tick(std::vector<Socket>& departed);
  /// Marks the session's end in the next tick.
  Frame end_session();

  const Snapshot& now() const { return snapshot_; }
  /// To be changed only between two sessions: nobody sees it happen.
  Snapshot& unseen() { return snapshot_; }
  /// A frame at this instant without content, for the first tick of a session.
  Frame empty_frame() const;
  WallTime wall() const { return wall_; }
  /// Takes up the ids and the clock where another host's recorder left a file.
  void continue_after(const Resume& resume);
  /// Time passes unseen (a recorder that was killed).
  void sleep(std::chrono::microseconds how_long);

 private:
  Socket new_socket();
  void work(Socket& socket);
  std::uint64_t below(std::uint64_t limit);
  std::uint32_t text(const std::string& bytes, Delta& delta);
  void open_sockets(Delta& delta);
  void close_sockets(Delta& delta);

  HostLoad load_;
  std::mt19937_64 random_;
  Snapshot snapshot_;
  WallTime wall_;
  std::chrono::microseconds boot_;
  std::uint64_t next_cookie_ = 1000;
  std::uint32_t next_text_ = 1;
  std::uint32_t next_process_ = 1;
  std::uint32_t first_process_ = 1;  // of those the host has
  std::uint32_t session_ = 0;
};

}  // namespace netrec
