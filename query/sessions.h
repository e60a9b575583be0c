// Which session of the recorder an instant belongs to.
#pragma once

#include <vector>

#include "store/timeline.h"

namespace netrec {

/// The session that wrote the frame `sequence`, or nullptr. `sessions`: Timeline::sessions().
const RecordedSession* session_of(const std::vector<RecordedSession>& sessions,
                                  std::uint64_t sequence);

/// True if both frames are of one boot of the host: only then are their sockets comparable.
bool same_boot(const std::vector<RecordedSession>& sessions, std::uint64_t one,
               std::uint64_t other);

}  // namespace netrec
