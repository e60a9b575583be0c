#include "tests/store/random_history.h"

#include <algorithm>
#include <map>
#include <type_traits>

#include "store/chunk_layout.h"

namespace netrec {

std::uint32_t RandomHistory::at() {
  return one_in(3) ? 0 : static_cast<std::uint32_t>(1 + below(1'000'000));
}

std::uint64_t RandomHistory::value_like(FieldKind kind, std::uint64_t before) {
  switch (kind) {
    case FieldKind::counter:
      return before + below(5000);
    case FieldKind::code:
      return below(4);
    case FieldKind::instant_us:
      return one_in(3) ? 0 : wall_us_ - below(2'000'000);
    case FieldKind::instant_ms:
      return one_in(3) ? 0 : wall_us_ / 1000 - below(2000);
    default:
      return one_in(20) ? random_() : below(std::uint64_t{1} << below(20));
  }
}

template <class T>
T RandomHistory::new_row() {
  T row{};
  for (const Field<T>& field : fields_of<T>())
    if (one_in(2)) field.set(row, value_like(field.kind, 0));
  fields_of<T>()[0].set(row, next_id_++);
  if constexpr (std::is_same_v<T, Interface>) row.index = static_cast<std::uint32_t>(next_id_++);
  if constexpr (std::is_same_v<T, Text>) row.bytes.assign(below(40), static_cast<char>(random_()));
  if constexpr (std::is_same_v<T, Peer>) row.first_us = wall_us_ - below(1'000'000);
  return row;
}

template <class T>
void RandomHistory::tick_table(Delta& delta, std::uint32_t busy) {
  Changes<T>& changes = delta.of<T>();
  const KindLayout& layout = layout_of<T>();
  for (std::uint64_t i = below(busy + 1); i > 0; --i) changes.opened.push_back(new_row<T>());
  const auto change = [&](const T& row) {
    for (std::uint16_t field = 0; field < layout.codings.size(); ++field) {
      if (layout.part_of_key[field] || !one_in(4)) continue;
      const auto& of_field = fields_of<T>()[field];
      // As the row can hold it.
      T after{};
      of_field.set(after, value_like(of_field.kind, of_field.get(row)));
      changes.changed.push_back(
          {.key = key_of(row), .value = of_field.get(after), .at = at(), .field = field});
    }
  };
  for (const T& row : snapshot_.of<T>()) {
    if (one_in(3)) change(row);
    if (one_in(6))
      changes.closed.push_back(
          {.key = key_of(row),
           .at = at(),
           .reason = key_of(row) % 3 == 0 ? CloseReason::unseen : CloseReason::gone});
  }
  for (const T& row : changes.opened) {
    if (one_in(3)) change(row);
    if (one_in(4))
      changes.closed.push_back({.key = key_of(row), .at = at(), .reason = CloseReason::exact});
  }
}

Frame RandomHistory::next() {
  Frame frame;
  wall_us_ += 1'000'000 + below(2000);
  if (one_in(50)) wall_us_ -= 5'000'000;  // Somebody set the clock.
  if (one_in(30)) ++sequence_;            // A keyframe lies between.
  frame.sequence = ++sequence_;
  frame.wall = WallTime(std::chrono::microseconds(wall_us_));
  frame.boot = std::chrono::microseconds(wall_us_ - 1'600'000'000'000'000 + below(100));
  for_each_kind([&]<class T>() {
    const std::uint32_t busy = std::is_same_v<T, Socket> ? 8 : 1;
    if (!one_in(5)) tick_table<T>(frame.delta, busy);
  });
  sort(frame.delta);

  std::map<std::uint64_t, Socket> last;
  Snapshot after = snapshot_;
  Delta without_ends = frame.delta;
  without_ends.of<Socket>().closed.clear();
  apply(without_ends, after);
  departed_.clear();
  for (const Closed& closed : frame.delta.of<Socket>().closed)
    departed_.push_back(*after.of<Socket>().find(closed.key));
  apply(frame.delta, snapshot_);
  return frame;
}

RandomRun::RandomRun(RandomHistory& history, std::size_t count) {
  carry.begin(history.snapshot());
  for (std::size_t i = 0; i < count; ++i) {
    frames.push_back(history.next());
    departed.insert(departed.end(), history.departed().begin(), history.departed().end());
  }
  previous_wall = frames[0].wall - std::chrono::seconds(1);
}

ChunkInput RandomRun::input() const {
  return {.session = 1,
          .first_sequence = frames.front().sequence,
          .last_sequence = frames.back().sequence,
          .previous_wall = previous_wall,
          .frames = frames,
          .departed = departed,
          .carry = &carry};
}

}  // namespace netrec
