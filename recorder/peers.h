// Whom sockets without a connection talk to: folds what the kernel counted per (socket, peer) into
// Peer rows, each the owner's of its socket, which may be gone by the time the counts are read.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <unordered_map>

#include "recorder/asked_names.h"
#include "recorder/event_sink.h"
#include "recorder/observer.h"

namespace netrec {

class Peers {
 public:
  struct Limits {
    std::size_t peers = 65536;       ///< more: all are closed, and those that go on begin anew
    std::chrono::seconds idle{300};  ///< a peer not heard of for so long is closed
  };
  Peers(Observer& observer, AskedNames& names, Limits limits)
      : observer_(observer), names_(names), limits_(limits) {}
  Peers(Observer& observer, AskedNames& names) : Peers(observer, names, Limits{}) {}

  /// Who made the socket `cookie`; it has no row any more, or soon will have none.
  void note_gone(std::uint64_t cookie, const Socket& last, std::chrono::microseconds boot);

  /// What was exchanged since the last reading.
  void counted(const peer_key& key, const peer_counts& counts);
  /// All counts of this reading were told; `boot` is now.
  void end_reading(std::chrono::microseconds boot);

 private:
  struct Known {
    std::uint64_t socket = 0;
    std::uint32_t id = 0;
    std::chrono::microseconds last{};
  };
  struct Gone {
    Socket row;
    std::chrono::microseconds at{};
    bool read = false;  ///< a reading ended since
  };

  const Socket* socket_of(std::uint64_t cookie) const;
  Peer new_peer(const peer_key& key, const peer_counts& counts);
  void sweep(std::chrono::microseconds boot, bool crowded);
  void complete_socket(const peer_key& key, const peer_counts& counts);

  Observer& observer_;
  AskedNames& names_;
  Limits limits_;
  std::unordered_map<std::string, Known> by_key_;
  std::unordered_multimap<std::uint64_t, std::string> by_socket_;
  std::unordered_map<std::uint64_t, Gone> gone_;
  std::chrono::microseconds swept_{};
};

}  // namespace netrec
