// The names of frames that are walked, and rows of T that are not sockets: what a frame closes is
// known until its end.
#pragma once

#include <type_traits>

#include "schema/delta.h"

namespace netrec {

template <class T>
class WalkedState {
 public:
  void begin(const Snapshot& snapshot) {
    copy<Text>(snapshot), copy<User>(snapshot), copy<NetworkNamespace>(snapshot);
    copy<Process>(snapshot);
    if constexpr (!std::is_same_v<T, Socket>) copy<T>(snapshot);
  }
  void open_and_change(const Delta& delta) {
    Delta part;
    take<Text>(delta, part), take<User>(delta, part), take<NetworkNamespace>(delta, part);
    take<Process>(delta, part);
    if constexpr (!std::is_same_v<T, Socket>) take<T>(delta, part);
    apply(part, state_);
  }
  void close(const Delta& delta) {
    drop<Text>(delta), drop<User>(delta), drop<NetworkNamespace>(delta), drop<Process>(delta);
    if constexpr (!std::is_same_v<T, Socket>) drop<T>(delta);
  }
  const Snapshot& snapshot() const { return state_; }

 private:
  template <class Kind>
  void copy(const Snapshot& from) {
    state_.of<Kind>() = from.of<Kind>();
  }
  template <class Kind>
  static void take(const Delta& from, Delta& to) {
    to.of<Kind>().opened = from.of<Kind>().opened;
    to.of<Kind>().changed = from.of<Kind>().changed;
  }
  template <class Kind>
  void drop(const Delta& delta) {
    for (const Closed& closed : delta.of<Kind>().closed) state_.of<Kind>().erase(closed.key);
  }

  Snapshot state_;
};

}  // namespace netrec
