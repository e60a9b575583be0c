// Which columns a chunk has for a kind of entity, and how each field's numbers become small. The
// roles are in the file; what a field's coding is follows from its FieldKind, so that a new fact
// of the schema needs no line here.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "schema/delta.h"
#include "store/chunk_header.h"
#include "store/column.h"

/// Once for each kind of entity a chunk may hold: what its parts instantiate.
// clang-format off
#define NETREC_FOR_EACH_KIND(INSTANTIATE) \
  INSTANTIATE(Text) \
  INSTANTIATE(Session) \
  INSTANTIATE(Gap) \
  INSTANTIATE(User) \
  INSTANTIATE(NetworkNamespace) \
  INSTANTIATE(Process) \
  INSTANTIATE(Interface) \
  INSTANTIATE(Counter) \
  INSTANTIATE(Socket) \
  INSTANTIATE(Peer) \
  INSTANTIATE(Resolution)
// clang-format on

namespace netrec {

/// Gives a field of all rows of a kind that ended in a chunk.
using EndedFields = std::function<const Column&(std::uint16_t field)>;

/// What a column holds. Numbers are in the file. "Group" below: 0 ended, 1 begun (LifeGroup).
enum class Role : std::uint8_t {
  frame = 0,           ///< kind 0; field 0 sequence, 1 wall clock, 2 boot clock
  value = 2,           ///< + group: a field of each row, as of its end or the chunk's
  tuple = 4,           ///< + group, field = number of the tuple: each row's place among its values
  tuples = 6,          ///< + group, field = number of the tuple: how many values it has; one number
  tuple_value = 8,     ///< + 2 * number of the tuple + group: a field of the tuple's values
  last = 20,           ///< a field of the ongoing that changed it: the last value it took
  initial = 21,        ///< a field of those opened here that changed it: as it was when they opened
  step = 22,           ///< what updates of a field added to the value before; by pattern
  key = 23,            ///< of the ongoing
  open_frame = 24,     ///< + group: frame it opened in, less the one its opening time tells
  opened_before = 26,  ///< of the ended: 1 if it opened before the chunk
  close_lag = 27,      ///< of the ended: frame it closed in, less the one its time tells
  close_when = 28,     ///< of the ended: time of its end since previous_us
  close_reason = 29,   ///< of the ended
  ongoing_close = 30,  ///< of the ongoing: 0, or 1 + the frame it closed in
  ongoing_at = 31,     ///< of the ongoing that closed
  ongoing_reason = 32,
  update_count = 33,    ///< of every life: ended, begun, ongoing
  update_pattern = 34,  ///< of every update
  exact_when = 35,      ///< of updates with an exact time: microseconds from the event before
  exact_lag = 36,       ///< of them: frames later than their time tells
  tick_when = 37,       ///< of the others: frames from the event before
  patterns = 38,        ///< blob
  earlier_count = 39,   ///< of the ended: transitions in earlier chunks
  earlier_at = 40,
  earlier_after = 41,
  earlier_state = 42,
  text_length = 44,  ///< + group
  text_bytes = 46,   ///< + group; blob
  names = 49,        ///< kind 0; blob: a delta (store/frame_codec.h) of what the ended refer to
  irregular = 48,    ///< blob: changes of key fields, which no sound writer makes
  relative = 50,     ///< + group: as value, less another field of the row (KindLayout::relative_to)
  by_opening = 52,   ///< of the ended: as value, in order of their opening
  close_exact = 53,  ///< of the ended: 1 if the time of its end is exact
  gap_exact = 54,    ///< of exact updates of the ended: microseconds to the event after; field =
                   ///< pattern, kRarePatterns: those with too few updates for a column of their own
  gap_tick = 55,  ///< of the others of the ended: frames to the event after
};

inline constexpr std::uint32_t kMostTuples = 4;

/// Gaps after updates of one pattern are much alike, and from this many on worth a column.
inline constexpr std::size_t kFewestOfAPattern = 256;
inline constexpr std::uint16_t kRarePatterns = UINT16_MAX;

template <class T>
ColumnId column_id(Role role, std::size_t add = 0, std::uint16_t field = 0) {
  return {.kind = static_cast<std::uint8_t>(EntityTraits<T>::kind),
          .role = static_cast<std::uint8_t>(static_cast<std::size_t>(role) + add),
          .field = field};
}

/// How the values of a field are made small.
enum class Coding : std::uint8_t {
  number,      ///< as they are; updates as steps
  opening,     ///< the time the entity opened: of the ended, as the time before their end
  instant_us,  ///< against the time of the update, or of the opening
  instant_ms,  ///< the same in milliseconds
  steering,    ///< part of the update's pattern: what else changes depends on it
};

/// What of a kind of entity matters to its columns.
struct KindLayout {
  std::vector<Coding> codings;    ///< by field
  std::vector<bool> part_of_key;  ///< by field
  int opening = -1;               ///< the field that says when it opened; -1: none
  int steering = -1;              ///< -1: none
  int opened_after = -1;          ///< an instant close to the opening, whatever came later
  std::vector<std::vector<std::uint16_t>> tuples;  ///< fields that often go together
  std::vector<int> relative_to;                    ///< by field: one that is often near; -1: none
  std::vector<bool> grows;  ///< by field: numbers given out in order of opening

  bool is_instant(std::uint16_t field) const {
    return codings[field] == Coding::instant_us || codings[field] == Coding::instant_ms;
  }
};

template <class T>
const KindLayout& layout_of();

/// The id of the field called `name` in the table of T.
template <class T>
std::uint16_t field_id(std::string_view name);

/// `value` against the time `anchor_us` it is probably near, so that 0 ("never") stays small.
std::uint64_t instant_code(std::uint64_t value, std::uint64_t anchor_us, Coding coding);
std::uint64_t instant_value(std::uint64_t code, std::uint64_t anchor_us, Coding coding);

/// Calls `visit.template operator()<T>()` for every kind of entity, in the order of the file.
template <class Visitor>
void for_each_kind(Visitor&& visit) {
  const auto each = [&]<class... T>(const std::tuple<Changes<T>...>*) {
    (visit.template operator()<T>(), ...);
  };
  each(static_cast<const ForEachEntity<Changes>*>(nullptr));
}

}  // namespace netrec
