#include "store/chunk_carry.h"

#include "store/chunk_layout.h"

namespace netrec {

std::uint64_t wall_us(WallTime wall) {
  return static_cast<std::uint64_t>(wall.time_since_epoch().count());
}

Moment moment_of(std::uint32_t at, std::uint64_t wall_us, std::uint64_t previous_us) {
  if (at == 0) return {.at_us = wall_us, .after_us = previous_us};
  return {.at_us = wall_us - (at - 1), .after_us = wall_us - (at - 1)};
}

void ChunkCarry::begin(const Snapshot& snapshot) {
  transitions_.clear();
  transitions_.reserve(snapshot.of<Socket>().size());
  for (const Socket& socket : snapshot.of<Socket>())
    transitions_[socket.cookie] = {{.at_us = socket.state_since_us, .state = socket.state}};
  std::apply(
      [&](auto&... table) {
        const auto copy = [&]<class T>(Table<T>& to) { to = snapshot.of<T>(); };
        (copy(table), ...);
      },
      tables_);
}

void ChunkCarry::advance_sockets(const Changes<Socket>& changes, std::uint64_t wall_us,
                                 std::uint64_t previous_us) {
  static const std::uint16_t kState = field_id<Socket>("state");
  for (const Socket& socket : changes.opened)
    transitions_[socket.cookie] = {
        {.at_us = socket.opened_us, .after_us = socket.opened_after_us, .state = socket.state}};
  for (const Change& change : changes.changed) {
    if (change.field != kState) continue;
    const auto place = transitions_.find(change.key);
    if (place == transitions_.end()) continue;
    const Moment moment = moment_of(change.at, wall_us, previous_us);
    place.value().push_back({.at_us = moment.at_us,
                             .after_us = moment.after_us,
                             .state = static_cast<TcpState>(change.value)});
  }
  for (const Closed& closed : changes.closed) transitions_.erase(closed.key);
}

void ChunkCarry::advance(std::span<const Frame> frames, WallTime previous_wall) {
  const auto advance_table = []<class T>(const Changes<T>& changes, Table<T>& table) {
    const auto fields = fields_of<T>();
    for (const T& row : changes.opened) table.insert(row);
    for (const Change& change : changes.changed)
      if (T* row = table.find(change.key); row != nullptr && change.field < fields.size() &&
                                           !layout_of<T>().part_of_key[change.field])
        fields[change.field].set(*row, change.value);
    for (const Closed& closed : changes.closed) table.erase(closed.key);
  };
  std::uint64_t previous_us = wall_us(previous_wall);
  for (const Frame& frame : frames) {
    const std::uint64_t now_us = wall_us(frame.wall);
    advance_sockets(frame.delta.of<Socket>(), now_us, previous_us);
    std::apply(
        [&](auto&... table) {
          const auto advance_one = [&]<class T>(Table<T>& to) {
            advance_table(frame.delta.of<T>(), to);
          };
          (advance_one(table), ...);
        },
        tables_);
    previous_us = now_us;
  }
}

std::vector<Transition> ChunkCarry::transitions(std::uint64_t socket) const {
  const auto place = transitions_.find(socket);
  return place == transitions_.end() ? std::vector<Transition>{} : place->second;
}

}  // namespace netrec
