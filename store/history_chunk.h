// The lives that ended in one chunk, told row by row.
#pragma once

#include <functional>

#include "store/history_columns.h"
#include "store/history_filter.h"
#include "store/wanted_names.h"

namespace netrec {

/// What is told of an entity: of a socket its Connection, of others their row.
template <class T>
struct StoryOf {
  using Type = T;
};
template <>
struct StoryOf<Socket> {
  using Type = Connection;
};
template <class T>
using Story = typename StoryOf<T>::Type;

/// Returns false to stop.
template <class T>
using StorySink = std::function<bool(const Story<T>& story, const Snapshot& names)>;

// `names` takes up those of `chunk` where they are needed.

/// The sockets that ended in `chunk` and are wanted, as columns. Errors: corrupt.
Result<ConnectionColumns> read_connections(const ChunkReader& chunk, const HistoryFilter& filter,
                                           WantedNames& names);

/// Tells what ended in `chunk` and is wanted, in order of its end; false if the sink stopped it.
/// Errors: corrupt.
template <class T>
Result<bool> tell_chunk(const ChunkReader& chunk, const HistoryFilter& filter, WantedNames& names,
                        const StorySink<T>& sink);

}  // namespace netrec
