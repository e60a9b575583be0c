// What is said of a gap, of damage and of a time beyond the end, in words for people.
#pragma once

#include <cstdint>
#include <optional>

#include "query/output.h"
#include "store/timeline.h"

namespace netrec {

/// When a gap ends that says "until the session ends": where the next session begins, or the last
/// frame.
std::uint64_t gap_end(const Gap& gap, const Timeline& timeline);

Notice gap_notice(const RecordedGap& gap, const Timeline& timeline);
Notice damage_notice(const Damage& damage);

/// A notice if `asked_us` lies so far behind the last frame that a running recorder would have
/// written another one.
std::optional<Notice> beyond_end(const Timeline& timeline, std::uint64_t asked_us);

/// "no recorder ran; it was killed", in the middle of a sentence.
std::string_view explain(GapCause cause);

}  // namespace netrec
