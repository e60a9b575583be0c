// Frames that are not in the file at all: what somebody deleted, or a file system lost.
//
// A damaged frame shows itself when it is read; one that is not there does not. The summary's
// counts tell at no cost that some are missing, and only then they are looked for.
#pragma once

#include <vector>

#include "store/timeline.h"

namespace netrec {

/// The holes in the sequence of frames, in order; each costs the time from the last frame before it
/// to the next one behind it. None in a sound file. Errors: io, corrupt.
Result<std::vector<Damage>> missing_frames(const Timeline& timeline);

}  // namespace netrec
