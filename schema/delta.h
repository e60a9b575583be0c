// What changed between two snapshots, and the snapshot itself: the algebra everything else stands
// on.
//
//   apply(a, diff(a, b)) == b        diff(a, a) is empty        diff({}, b) is b as a keyframe
//
// A keyframe is therefore nothing but a delta from the empty snapshot, and one codec serves both.
#pragma once

#include <chrono>
#include <cstdint>
#include <tuple>
#include <vector>

#include "schema/gap.h"
#include "schema/interface.h"
#include "schema/peer.h"
#include "schema/process.h"
#include "schema/session.h"
#include "schema/socket.h"
#include "schema/table.h"
#include "schema/text.h"

namespace netrec {

/// Wall clock as recorded (UTC).
using WallTime = std::chrono::sys_time<std::chrono::microseconds>;

/// One field of one entity took a new value. `at` says when: 0, somewhere between the frame before
/// and this one; n > 0, exactly n - 1 microseconds before this frame's time.
struct Change {
  std::uint64_t key = 0;
  std::uint64_t value = 0;
  std::uint32_t at = 0;
  std::uint16_t field = 0;

  auto operator<=>(const Change&) const = default;
};

/// The order of changes in a frame. Within a key it is that in which they happened: exact ones
/// before those only known to the tick (at == 0), earlier (larger at) before later.
inline bool happens_before(const Change& a, const Change& b) {
  if (a.key != b.key) return a.key < b.key;
  if (a.at != b.at) return b.at == 0 || (a.at != 0 && a.at > b.at);
  return a.field < b.field;
}

/// How an entity's life ended, as far as it is known. Numbers are in the file.
enum class CloseReason : std::uint8_t {
  gone = 1,      ///< it was not there any more
  exact = 2,     ///< the kernel said so
  replaced = 3,  ///< a process executed another program
  unseen = 4,    ///< it went while nobody looked
};

struct Closed {
  std::uint64_t key = 0;
  std::uint32_t at = 0;  ///< as in Change; of `unseen`, if not 0: when it was last seen
  CloseReason reason = CloseReason::gone;

  auto operator<=>(const Closed&) const = default;
};

/// What happened to the entities of one kind. In a frame each list is in order of key (changes:
/// key, at descending in time order as they happened, field), which makes the frame's bytes
/// canonical.
template <class T>
struct Changes {
  std::vector<T> opened;
  std::vector<Change> changed;
  std::vector<Closed> closed;

  bool empty() const { return opened.empty() && changed.empty() && closed.empty(); }
  std::size_t size() const { return opened.size() + changed.size() + closed.size(); }
  bool operator==(const Changes&) const = default;
};

/// One value of F for each kind of entity, in the order of their numbers in the file; references
/// between kinds only point to the left.
template <template <class> class F>
using ForEachEntity =
    std::tuple<F<Text>, F<Session>, F<Gap>, F<User>, F<NetworkNamespace>, F<Process>, F<Interface>,
               F<Counter>, F<Socket>, F<Peer>, F<Resolution>>;

struct Delta {
  ForEachEntity<Changes> kinds;

  template <class T>
  Changes<T>& of() {
    return std::get<Changes<T>>(kinds);
  }
  template <class T>
  const Changes<T>& of() const {
    return std::get<Changes<T>>(kinds);
  }
  bool empty() const;
  /// Its entries: what opened, changed and closed.
  std::size_t size() const;
  bool operator==(const Delta&) const = default;
};

struct Snapshot {
  ForEachEntity<Table> kinds;

  template <class T>
  Table<T>& of() {
    return std::get<Table<T>>(kinds);
  }
  template <class T>
  const Table<T>& of() const {
    return std::get<Table<T>>(kinds);
  }
  /// The bytes of a Text, "" for id 0 and for one that is not there. Valid until the next change.
  std::string_view text(std::uint32_t id) const;
  /// Its rows.
  std::size_t size() const;
  bool operator==(const Snapshot&) const = default;
};

/// Appends to `changes` the fields in which `after` differs from `before` (same key).
template <class T>
void compare(const T& before, const T& after, Changes<T>& changes);

/// Everything that turns `before` into `after`, canonically ordered.
Delta diff(const Snapshot& before, const Snapshot& after);

/// Carries `delta` out on `snapshot`. A timeline is hostile: what does not fit (a change of a
/// socket that is not there, an unknown field) is left out. Returns how many entries did not fit: 0
/// in a sound file.
std::size_t apply(const Delta& delta, Snapshot& snapshot);

/// The sockets `delta` closes, as they were last seen: with the changes it makes to them first.
/// `before`: the snapshot it has not been carried out on yet.
std::vector<Socket> departed_in(const Delta& delta, const Snapshot& before);

/// Brings the lists into canonical order.
void sort(Delta& delta);

enum class FrameKind : std::uint8_t {
  keyframe = 1,  ///< restates the whole snapshot; brings no news, except where a session begins
  delta = 2,     ///< what happened since the frame before
};

/// One unit of the log.
struct Frame {
  FrameKind kind = FrameKind::delta;
  std::uint64_t sequence = 0;  ///< counts frames in a file, from 1
  WallTime wall{};
  std::chrono::microseconds boot{};  ///< CLOCK_BOOTTIME
  Delta delta;

  bool operator==(const Frame&) const = default;
};

}  // namespace netrec
