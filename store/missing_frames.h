// Frames that are not in the file at all: what somebody deleted, or a file system lost.
//
// A damaged frame shows itself when it is read; one that is not there does not. Indices over what
// the log spans tell in little time that some are missing, and only then they are looked for. Rows
// the indices know and the tables do not (a write that was lost) show themselves too: a cursor
// misses the number, a scan the chunk (store/chunk_table.h). Only in a file that is cut off each
// row is read to its end: there the indices are known not to be trusted.
#pragma once

#include <vector>

#include "store/timeline.h"

namespace netrec {

/// The holes in the sequence of frames, in order; each costs the time from the last frame before it
/// to the next one behind it. None in a sound file. Errors: io, corrupt.
Result<std::vector<Damage>> missing_frames(const Timeline& timeline);

}  // namespace netrec
