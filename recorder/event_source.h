// The eBPF programs in the kernel and the ring their events come through.
//
// Each probe is tried when it starts: a connection of the recorder's own over loopback must come
// back as it was made. What fails is switched off and said (probes()), so that the caller can take
// the next best; nothing fails silently on a kernel that is newer than this program.
//
// The reader of the ring is woken when events have gathered (bpf/ring.h), not for each: that costs
// four to eight times more. A thread empties the ring then, so that nothing is lost while a tick is
// late, and rings the bell. One EventSource is used by one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "recorder/event_sink.h"
#include "schema/result.h"

namespace netrec {

struct EventSourceOptions {
  std::uint32_t ring_bytes = 2 << 20;  ///< a power of two: some 12 000 transitions
};

/// One thing events tell, and whether they do.
struct Probe {
  std::string name;     ///< "tcp", "calls", "rings", "unix", "time_wait", "process", "traffic",
                        ///< "frames", "descriptors", "glance"
  std::string about;    ///< for people: what would not be seen without it
  std::string failure;  ///< why it does not work here; "" if it does

  bool works() const { return failure.empty(); }
};

/// What did not reach the recorder since the last time this was asked.
struct EventLosses {
  std::uint64_t sockets = 0;    ///< TCP transitions
  std::uint64_t others = 0;     ///< of TIME_WAITs, failed connects, and sockets that are no TCP
  std::uint64_t owners = 0;     ///< accepts
  std::uint64_t processes = 0;  ///< fork, exec, exit
  std::uint64_t names = 0;      ///< DNS messages
  std::uint64_t packets = 0;    ///< to or from a peer there was no room for
  std::uint64_t malformed = 0;  ///< records that were none of ours

  std::uint64_t total() const {
    return sockets + others + owners + processes + names + packets + malformed;
  }
};

/// One (socket, peer) and what they exchanged since the last reading.
using PeerVisitor = std::function<void(const peer_key& key, const peer_counts& counts)>;

/// "12 of sockets, 3 of processes".
std::string to_string(const EventLosses& losses);

/// A descriptor that is a socket.
using SocketDescriptorVisitor =
    std::function<void(std::uint32_t pid, std::uint32_t descriptor, std::uint32_t inode)>;

/// A TCP connection as far as a glance tells; valid during the call.
using GlanceVisitor = std::function<void(const tcp_glance& seen)>;

/// How far a glance went.
struct GlanceReport {
  /// It showed all network namespaces that have no table of connections of their own
  /// (net.ipv4.tcp_child_ehash_entries), not only the recorder's.
  bool is_shared = false;
};

class EventSource {
 public:
  /// Loads, attaches and tries the programs. Errors: unsupported (built without them, or the kernel
  /// has no BTF), permission; io. Succeeds only if at least the TCP transitions work.
  static Result<std::unique_ptr<EventSource>> start(const EventSourceOptions& options);
  ~EventSource();
  EventSource(const EventSource&) = delete;
  EventSource& operator=(const EventSource&) = delete;

  /// From now on events are taken out of the ring as they come and kept, in bounded memory, for
  /// drain(). Starts a thread: to be called when privileges were let go.
  void read_on();
  /// Readable while events are kept: a host where nothing happens wakes nobody. -1: there is none.
  int bell() const;

  /// Hands all events there are to `sink`. Returns a moment of the boot clock: what happened before
  /// was told, what happens later was not.
  std::chrono::microseconds drain(EventSink& sink);

  /// Shows what was exchanged with peers since the last reading, and begins to count anew. No
  /// packet falls between two readings.
  Status read_peers(const PeerVisitor& visit);

  /// Every descriptor that is a socket, of all processes. Errors: unsupported, io.
  Status read_descriptors(const SocketDescriptorVisitor& visit);

  /// Every TCP connection of the table the recorder's network namespace uses; no listeners. Read
  /// without a lock: one that moves meanwhile may be missed, or shown twice, or half old. Errors:
  /// unsupported, permission, io.
  Result<GlanceReport> glance(const GlanceVisitor& visit);

  EventLosses take_losses();

  const std::vector<Probe>& probes() const;
  bool works(std::string_view probe) const;

 private:
  struct State;
  explicit EventSource(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// True if this build has the programs.
bool events_are_built();

}  // namespace netrec
