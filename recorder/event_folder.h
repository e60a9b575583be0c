// Folds what the eBPF programs tell into the Observer: which socket went through which states when,
// who made it, and what became of it. Knows the kernel's habits (in which order things are told,
// what is not told), so that the Observer need not; knows nothing of rings, so a test tells it any
// story.
//
// The owner comes from connect, listen and accept only. A connection that ends before it was
// accepted is its listener's.
#pragma once

#include <tsl/robin_map.h>

#include <chrono>
#include <cstdint>
#include <optional>

#include "recorder/asked_names.h"
#include "recorder/event_sink.h"
#include "recorder/observer.h"
#include "recorder/peers.h"
#include "recorder/program_runs.h"
#include "recorder/unix_lives.h"
#include "schema/dense_map.h"
#include "schema/key_hash.h"

namespace netrec {

/// What was folded in all, for the summary and for tests.
struct FoldTotals {
  std::uint64_t opened = 0;
  std::uint64_t closed = 0;
  std::uint64_t failed_connects = 0;
  std::uint64_t unknown_closed = 0;  ///< ends of connections whose beginning was not seen
};

/// Which network namespaces events are taken from.
enum class FoldNamespaces {
  all,
  known,  ///< those the Observer knows; the user asked for some only
};

class EventFolder final : public EventSink {
 public:
  /// `observer` must outlive the folder.
  explicit EventFolder(Observer& observer, FoldNamespaces namespaces = FoldNamespaces::all)
      : observer_(observer), namespaces_(namespaces) {}

  void on(const event_socket& event) override;
  void on(const event_transition& event) override;
  void on(const event_closed& event) override;
  void on(const event_accepted& event) override;
  void on(const event_connect_failed& event) override;
  void on(const event_time_wait& event) override;
  void on(const event_process& event) override;
  void on(const event_exec& event, const ExecStrings& strings) override;
  void on(const event_datagram_socket& event) override;
  void on(const event_dns& event, std::span<const std::byte> message) override;
  void on(const event_unix& event) override;
  void on(const event_unix_left& event) override;

  Peers& peers() { return peers_; }

  /// The user asked for none of them.
  void leave_out_unix_sockets() { wants_unix_ = false; }
  /// True if UNIX sockets may have ended without a telling of it, since the last call.
  bool take_unix_doubt() { return unix_.take_doubt(); }

  /// Carries out what had to wait for an event that might have followed. REQUIRES: every event
  /// before `boot` was told.
  void settle(std::chrono::microseconds boot);

  /// Before what dumps showed is judged: what settle() is still to end is not taken for lost.
  void spare_ending();

  /// True if an event came from a network namespace not known before, since the last call: it is
  /// time to look for namespaces.
  bool take_met_namespace() { return std::exchange(met_namespace_, false); }

  /// Transitions since the last call of sockets whose beginning was not told: not in the file.
  std::uint64_t take_unplaced() { return std::exchange(unplaced_, 0); }

  const FoldTotals& totals() const { return totals_; }

 private:
  struct Waiting {
    std::chrono::microseconds since{};
    CloseReason reason = CloseReason::exact;
  };

  Socket row_of(const event_transition& event, const event_ends& ends);
  std::uint32_t namespace_of(const event_header& header);
  std::uint32_t run_of(const event_task& task, std::chrono::microseconds boot);
  std::uint32_t adopt(const ProgramRun& known, std::chrono::microseconds boot, int depth);
  std::uint32_t parent_of(const ProgramRun& run, std::chrono::microseconds boot, int depth);
  void enter(Socket now, TcpState state, std::chrono::microseconds boot);
  void note_listener(const Socket& row);
  std::uint32_t listener_process(const Socket& row) const;
  void own(Socket known, const event_datagram_socket& event);
  void end(std::uint64_t cookie, std::chrono::microseconds boot);
  void end_unseen(const event_transition& event);

  Observer& observer_;
  FoldNamespaces namespaces_;
  ProgramRuns runs_;
  AskedNames names_{observer_};
  Peers peers_{observer_, names_};
  UnixLives unix_{observer_};
  FoldTotals totals_;
  /// Connections of which only the stand-in for TIME_WAIT is left.
  DenseMap<std::uint64_t, std::uint32_t> in_time_wait_;
  /// Ended, unless the next event says otherwise: by cookie, when.
  DenseMap<std::uint64_t, std::chrono::microseconds> ending_;
  /// Connects that failed with a transition of their own: by cookie, the error.
  tsl::robin_map<std::uint64_t, std::uint16_t, KeyHash> failed_;
  /// By network namespace and port, the cookie of the last socket that began to listen there.
  tsl::robin_map<std::uint64_t, std::uint64_t, KeyHash> listeners_;
  std::uint64_t unplaced_ = 0;
  bool met_namespace_ = false;
  bool wants_unix_ = true;
};

}  // namespace netrec
