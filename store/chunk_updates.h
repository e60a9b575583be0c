// Updates: the moments at which one entity of a chunk changed, entity by entity. What changes
// together is said once, as the update's *pattern* (the set of fields, whether the time is exact,
// and the value of the field that steers the others); then each field has a column of steps, in
// order of pattern, so that like lies beside like.
//
// The encoder and the reader both stand on this page: it decides the order of the steps.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "schema/result.h"
#include "store/chunk_clock.h"
#include "store/chunk_layout.h"
#include "store/column.h"

namespace netrec {

struct Pattern {
  std::vector<std::uint16_t> fields;  ///< ascending
  bool exact = false;
  std::uint64_t steering = 0;  ///< new value of the steering field, if that is in `fields`

  bool operator==(const Pattern&) const = default;
};

/// Patterns as bytes: for each: fields:varint flags:varint (1 exact) field… (each as the distance
/// from the one before) and the steering value if the steering field is among them.
std::string encode_patterns(const std::vector<Pattern>& patterns, const KindLayout& layout);
Result<std::vector<Pattern>> decode_patterns(std::string_view bytes, std::size_t count,
                                             const KindLayout& layout);

/// All updates of one kind. Those of life l are [first[l], first[l + 1]); lives are in the order
/// ended, begun, ongoing.
struct Updates {
  std::vector<Pattern> patterns;
  std::vector<std::uint32_t> first;
  std::vector<std::uint32_t> pattern;  ///< by update
  std::vector<std::uint32_t> frame;    ///< see frame_of()
  std::vector<std::uint64_t> at_us;

  /// In place of a frame: the one that its exact time tells.
  static constexpr std::uint32_t kAsExpected = UINT32_MAX;

  std::uint32_t frame_of(std::size_t update, const ChunkClock& clock) const {
    return frame[update] != kAsExpected
               ? frame[update]
               : static_cast<std::uint32_t>(clock.expected_frame(at_us[update]));
  }
  /// Change::at.
  std::uint32_t at_of(std::size_t update, const ChunkClock& clock) const {
    const bool is_exact = patterns[pattern[update]].exact;
    return is_exact ? clock.at_of(frame_of(update, clock), at_us[update]) : 0;
  }
  std::size_t size() const { return pattern.size(); }
  std::size_t lives() const { return first.size() - 1; }
};

/// True if a value has a place in the column of its field's steps.
inline bool has_step(Coding coding, bool first_in_life) {
  switch (coding) {
    case Coding::instant_us:
    case Coding::instant_ms:
      return true;
    case Coding::steering:
      return false;
    default:
      return !first_in_life;
  }
}
/// True if the last value in an ongoing life is told: not of the steering field, nor of instants,
/// whose updates tell every value.
inline bool has_last(Coding coding) {
  return coding == Coding::number || coding == Coding::opening;
}

/// One field of one update.
struct Occurrence {
  std::uint32_t life = 0;
  std::uint32_t update = 0;
  std::uint32_t change = 0;  ///< counts all fields of all updates, in order
  std::uint32_t step = kNoStep;

  /// The first occurrence of a number in a life has no step: its value is the initial or the last
  /// one, and steps lead from one to the next.
  static constexpr std::uint32_t kNoStep = UINT32_MAX;
};

/// Where one field changed, life by life, in order of time.
struct FieldChanges {
  std::vector<Occurrence> occurrences;
  std::size_t steps = 0;
};

/// By field.
std::vector<FieldChanges> changes_by_field(const Updates& updates, const KindLayout& layout);

/// Where a field changed in some lives, and where the numbers of that lie among those of all.
struct SomeChanges {
  std::vector<Occurrence> occurrences;  ///< without their `change`
  std::size_t steps = 0;                ///< of all lives
  /// By run of occurrences of one life (for_each_life): its place in the column of initial values
  /// (of a life that opened here) or of last ones (of the ongoing).
  std::vector<std::uint32_t> place;
  std::uint32_t initials = 0;  ///< of all lives
  std::uint32_t lasts = 0;
};

/// By field, of `some` lives, which ascend. `opened_here`: by life; `ongoing`: the first that is.
/// The others are only counted, not listed: a few of many lives take a fraction of the time.
std::vector<SomeChanges> changes_of_some(const Updates& updates, const KindLayout& layout,
                                         std::span<const std::uint32_t> some,
                                         const std::vector<bool>& opened_here, std::size_t ongoing);

/// The same as changes_by_field() for one field alone.
FieldChanges changes_of_field(const Updates& updates, const KindLayout& layout,
                              std::uint16_t field);

/// The places of `beginnings_us` in their order; of equal ones, the first comes first.
std::vector<std::uint32_t> order_of_opening(std::span<const std::uint64_t> beginnings_us);

/// Calls visit(begin, end) for each run of occurrences of one life.
template <class Visitor>
void for_each_life(const std::vector<Occurrence>& occurrences, Visitor&& visit) {
  for (std::size_t begin = 0; begin < occurrences.size();) {
    std::size_t end = begin + 1;
    while (end < occurrences.size() && occurrences[end].life == occurrences[begin].life) ++end;
    visit(&occurrences[begin], &occurrences[begin] + (end - begin));
    begin = end;
  }
}

}  // namespace netrec
