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
  std::vector<std::uint32_t> frame;
  std::vector<std::uint32_t> at;  ///< Change::at
  std::vector<std::uint64_t> at_us;

  std::size_t size() const { return pattern.size(); }
  std::size_t lives() const { return first.size() - 1; }
};

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

/// The same for one field alone.
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
