// A look at TCP connections that asks only for those that are not as they were: a glance at the
// kernel's table (bpf/glance.bpf.c) tells which those are, at a fifth of what a dump of all costs.
//
// The table is read without a lock, so a glance alone proves nothing: what it shows changed or new,
// and what it did not show at all, is asked for one by one (sock_diag); only that is believed.
// Listeners are few, and are dumped.
//
// Refused: a look that is quick in parts. Where anything is refused or not understood, or so much
// changed that a dump costs no more, the caller dumps everything.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "recorder/event_source.h"
#include "recorder/observer.h"
#include "recorder/source.h"

namespace netrec {

using GlanceScan = std::function<Result<GlanceReport>(const GlanceVisitor&)>;

class QuickLook {
 public:
  /// All must outlive it.
  QuickLook(SocketSource& source, Observer& observer, GlanceScan scan)
      : source_(source), observer_(observer), scan_(std::move(scan)) {}

  /// Shows the TCP sockets of every namespace it can to the Observer, as dumps would. False: it
  /// could not; they must be dumped. REQUIRES: Sockets::begin_dumps() was said.
  bool look();
  /// True if the last look showed those of `place`.
  bool showed(const NamespaceFacts& place) const;

 private:
  struct Place {
    std::uint32_t inode = 0;
    std::uint32_t id = 0;
    std::vector<SocketQuestion> questions;
  };

  void begin();
  bool glance_at_all();
  bool is_too_much(std::size_t more) const { return asked_ + more > most_asked_; }
  void note(const tcp_glance& seen);
  Place* place_of(std::uint32_t inode);
  bool show_listeners(const Place& place, Family family);
  bool ask(Place& place, Family family);

  SocketSource& source_;
  Observer& observer_;
  GlanceScan scan_;
  std::vector<Place> places_;
  std::size_t last_place_ = 0;
  std::size_t asked_ = 0;       ///< questions of this look
  std::size_t most_asked_ = 0;  ///< above that a dump costs no more
  bool is_shared_ = false;      ///< the table is of all namespaces that have none of their own
};

}  // namespace netrec
