// What one chunk hands on to the next, so that a life that ends in a chunk can be told there whole:
// the states its socket went through in earlier chunks, the rows of peers and resolutions still
// alive (the recorder hands departed sockets to the writer, but not those), and the names of what
// they refer to.
//
// It is as old as the last sealed chunk, not as the last frame. Kept beside the chunk codec because
// the two must agree on what a transition is.
#pragma once

#include <cstdint>
#include <span>
#include <tuple>
#include <vector>

#include "schema/delta.h"
#include "store/transition_book.h"

namespace netrec {

class ChunkCarry {
 public:
  /// Begins with a session: `snapshot` as of its first keyframe (or of wherever a writer takes up a
  /// session again: what came before that is then told as "in this state since").
  void begin(const Snapshot& snapshot);

  /// Takes in the frames of a chunk just sealed; `previous_wall` as in ChunkInput. `news`: what the
  /// chunk told of them; without it they are gone through once more.
  void advance(std::span<const Frame> frames, WallTime previous_wall, const TransitionNews* news);

  /// Appends those of the socket with this key, before the frames not sealed yet; none if it is not
  /// known.
  void list_transitions(std::uint64_t socket, std::vector<Transition>& transitions) const {
    book_.list(socket, transitions);
  }
  /// Rows alive before those frames: T is Peer, Resolution, Text, Process, User, NetworkNamespace.
  template <class T>
  const Table<T>& of() const {
    return std::get<Table<T>>(tables_);
  }

 private:
  TransitionBook book_;
  std::tuple<Table<Peer>, Table<Resolution>, Table<Text>, Table<Process>, Table<User>,
             Table<NetworkNamespace>>
      tables_;
};

}  // namespace netrec
