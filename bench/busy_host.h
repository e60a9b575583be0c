// A busy host as event capture tells it: connections to 20 000 destinations by 300 programs and
// from clients, heavy-tailed in all they do, each with its states to the microsecond and the totals
// a TCP socket has at its end. The load of the issues' bars, from a fixed seed.
#pragma once

#include <cstdint>
#include <queue>
#include <random>
#include <vector>

#include "schema/delta.h"

namespace netrec {

struct BusyLoad {
  double connections_a_second = 1000;
  double called = 0.3;  ///< part of them that came from clients
  std::size_t destinations = 20'000;
  std::size_t programs = 300;
  /// One more destination is connected to once in so many seconds; 0 for never.
  double seldom_every_s = 0;
};

class BusyHost {
 public:
  BusyHost(const BusyLoad& load, std::uint64_t seed);

  /// The state recording begins with: names only.
  const Snapshot& beginning() const { return beginning_; }
  /// One second passes. Its delta, canonical; `departed` gets the rows of what closed.
  Frame tick(std::vector<Socket>& departed);
  /// All that lives after the last tick.
  const Snapshot& now() const { return now_; }
  WallTime wall() const { return WallTime(std::chrono::microseconds(wall_us_)); }
  std::uint32_t address_of(std::size_t destination) const { return addresses_[destination]; }

 private:
  enum class Stage : std::uint8_t {
    established,
    fin_wait1,
    fin_wait2,
    time_wait,
    close_wait,
    last_ack,
    end
  };
  struct Event {
    std::uint64_t at_us;
    std::uint64_t cookie;
    Stage stage;
    bool operator>(const Event& other) const { return at_us > other.at_us; }
  };
  struct Plan {  ///< what a connection will have done
    std::uint64_t rtt_us = 0;
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    bool closes_first = true;
  };

  void add_service();
  void open(std::uint64_t at_us, std::size_t destination, Delta& delta);
  void carry_out(const Event& event, Delta& delta, std::vector<Socket>& departed);
  void change(Delta& delta, Socket& row, std::uint64_t at_us, const Socket& after);
  void finish(Socket& row, const Plan& plan) const;
  void plan_seldom();
  double normal();
  std::uint64_t log_normal(double median, double spread);
  double uniform() { return std::uniform_real_distribution<double>(0, 1)(random_); }
  std::size_t heavy_tailed(std::size_t limit);

  BusyLoad load_;
  std::mt19937_64 random_;
  Snapshot beginning_;
  Snapshot now_;
  std::vector<std::uint32_t> addresses_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  tsl::robin_map<std::uint64_t, Plan> plans_;
  static constexpr std::uint64_t kBegun_us = 1'700'000'000'000'000;
  std::uint64_t wall_us_ = kBegun_us;
  std::uint64_t next_open_us_ = 0;
  std::uint64_t seldom_spans_ = 0;
  std::uint64_t next_seldom_us_ = UINT64_MAX;
  std::uint64_t next_cookie_ = 100'000;
  std::uint32_t next_inode_ = 3'000'000;
};

}  // namespace netrec
