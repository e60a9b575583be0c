// Makes connections at a rate, in every way a connection can end, and writes down by its own clock
// what it did: what capture_bench holds a recording against.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace netrec {

enum class Ending : std::uint8_t {
  client_closes,
  server_closes,
  refused,
  server_resets,  ///< SO_LINGER 0
  client_resets,
  half_closed,  ///< the client shuts down sending, the server goes on, then closes
  killed,       ///< the process holding both ends is
};
inline constexpr int kEndings = 7;

/// One connection, times in microseconds of the wall clock, around the system calls.
struct Made {
  std::uint64_t before_open_us;
  std::uint64_t after_open_us;
  std::uint64_t before_end_us;  ///< of the last of the calls that ended it
  std::uint64_t after_end_us;
  std::uint32_t pid;
  std::uint32_t client_bytes;  ///< sent by the client
  std::uint32_t server_bytes;
  std::uint16_t client_port;
  std::uint16_t server_port;
  std::uint8_t is_v6;
  Ending ending;
};

struct LoadOptions {
  std::uint32_t a_second = 1000;
  std::chrono::seconds span{10};
  int workers = 4;            ///< processes
  bool own_namespace = true;  ///< the last one in a network namespace of its own
  int destinations = 8;       ///< listeners a worker, each on an address of its own
  bool only_closed = false;   ///< every connection is closed by one side, then the other, over IPv4
};

/// What one run made, and how late it was: connections not made for want of time.
struct Load {
  std::vector<Made> made;
  std::uint64_t not_made = 0;
};

/// Runs the load in processes of its own and waits for them.
Load run_load(const LoadOptions& options);

/// TCP transitions that were made, each told by the kernel once, and where: the ports that
/// listened.
struct FloodMade {
  std::uint64_t transitions = 0;
  std::vector<std::uint16_t> ports;
};

/// Listens and listens no more with one socket, which is two transitions and no packet, and now and
/// then connects, accepts and resets; in four processes, so many transitions a second or as many as
/// can be.
FloodMade run_flood(std::uint32_t transitions_a_second, std::chrono::seconds span);

/// Nanoseconds one connect, accept and both closes (by linger 0, so no TIME_WAIT piles up) take.
double pair_ns(int pairs);

}  // namespace netrec
