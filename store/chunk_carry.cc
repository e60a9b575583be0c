#include "store/chunk_carry.h"

#include "store/chunk_layout.h"

namespace netrec {

namespace {

template <class T>
void advance_table(const Changes<T>& changes, Table<T>& table) {
  const KindLayout& layout = layout_of<T>();
  for (const T& row : changes.opened) table.insert(row);
  for (const Change& change : changes.changed) {
    if (change.field >= layout.codings.size() || layout.part_of_key[change.field]) continue;
    if (T* row = table.find(change.key)) fields_of<T>()[change.field].set(*row, change.value);
  }
  for (const Closed& closed : changes.closed) table.erase(closed.key);
}

}  // namespace

void ChunkCarry::begin(const Snapshot& snapshot) {
  book_.clear();
  for (const Socket& socket : snapshot.of<Socket>()) book_.begin(socket);
  book_.begun();
  const auto copy = [&]<class T>(Table<T>& table) { table = snapshot.of<T>(); };
  std::apply([&](auto&... table) { (copy(table), ...); }, tables_);
}

void ChunkCarry::advance(std::span<const Frame> frames, WallTime previous_wall,
                         const TransitionNews* news) {
  if (news != nullptr) book_.take_in(*news);
  std::uint64_t previous_us = wall_us(previous_wall);
  for (const Frame& frame : frames) {
    const Changes<Socket>& sockets = frame.delta.of<Socket>();
    if (news == nullptr) {
      book_.follow(sockets, wall_us(frame.wall), previous_us);
      book_.forget(sockets.closed);
    }
    const auto advance_one = [&]<class T>(Table<T>& table) {
      advance_table(frame.delta.of<T>(), table);
    };
    std::apply([&](auto&... table) { (advance_one(table), ...); }, tables_);
    previous_us = wall_us(frame.wall);
  }
}

}  // namespace netrec
