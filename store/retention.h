// Keeps a file short: drops whole chunks and keyframes from the old end, and leaves a link that
// says up to where, with the chain's hash, so that what remains is still proven.
//
// The file does not shrink; what is freed is used again, so it stays below its limit.
#pragma once

#include <chrono>

#include "store/database.h"
#include "store/timeline_writer.h"

namespace netrec {

/// True if the options limit the file's size or age.
bool is_kept_short(const WriterOptions& options);
/// True if a busy host's file may hold no more than some minutes then.
bool is_kept_for_minutes(const WriterOptions& options);

/// Only at a keyframe can the log be cut: they must be this dense for the limits to be met.
bool keyframe_wanted_for_retention(const WriterOptions& options, std::uint64_t bytes_since_keyframe,
                                   std::chrono::microseconds since_keyframe);

/// Drops what is beyond the limits, in a transaction of the caller's. `now`: the newest frame's.
Result<Pruned> prune(Database& database, const WriterOptions& options, WallTime now);

}  // namespace netrec
