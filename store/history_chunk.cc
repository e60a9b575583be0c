#include "store/history_chunk.h"

#include <algorithm>
#include <type_traits>

#include "store/chunk_layout.h"

namespace netrec {

namespace {

/// One column to be put into rows.
template <class T>
struct FieldColumn {
  void (*set)(T&, std::uint64_t);
  Column values;
};

template <class T>
bool is_wanted(const Wanted& wanted, std::size_t field) {
  if constexpr (std::is_same_v<T, Socket>)
    return !wanted.fields || (field < wanted.fields->size() && wanted.fields->test(field));
  return true;
}

template <class T>
Result<std::vector<FieldColumn<T>>> wanted_columns(const ChunkReader& chunk, const Wanted& wanted) {
  std::vector<FieldColumn<T>> columns;
  const auto fields = fields_of<T>();
  for (std::uint16_t field = 0; field < fields.size(); ++field) {
    if (!is_wanted<T>(wanted, field) || !chunk.has<T>(LifeGroup::ended, field)) continue;
    NETREC_TRY(values, chunk.column<T>(LifeGroup::ended, field));
    columns.push_back({fields[field].set, std::move(values)});
  }
  return columns;
}

/// Drops the rows that do not touch the range; `ended_us` is when each ended.
template <class T>
Status keep_touching(const ChunkReader& chunk, const HistoryFilter& filter, const Column& ended_us,
                     std::vector<std::uint32_t>& rows) {
  const auto opening = static_cast<std::uint16_t>(layout_of<T>().opening);
  NETREC_TRY(opened, chunk.column<T>(LifeGroup::ended, opening));
  const Column& ended = ended_us.empty() ? opened : ended_us;
  std::erase_if(rows, [&](std::uint32_t row) { return !filter.touches(opened[row], ended[row]); });
  return {};
}

Result<bool> tell_sockets(const ChunkReader& chunk, const HistoryFilter& filter,
                          std::vector<std::uint32_t> rows, Snapshot& names, bool has_names,
                          const StorySink<Socket>& sink) {
  NETREC_TRY(ends, chunk.ends<Socket>());
  NETREC_CHECKED(keep_touching<Socket>(chunk, filter, ends.closed_us, rows));
  if (rows.empty()) return true;
  if (!has_names) {
    NETREC_TRY(read, chunk.names());
    names = std::move(read);
  }
  NETREC_TRY(columns, wanted_columns<Socket>(chunk, filter.wanted()));
  TransitionColumns transitions;
  if (filter.wanted().transitions) {
    NETREC_TRY(read, chunk.transitions(LifeGroup::ended));
    transitions = std::move(read);
  }
  Connection story;
  story.session = chunk.header().session;
  for (const std::uint32_t row : rows) {
    for (const FieldColumn<Socket>& column : columns) column.set(story.socket, column.values[row]);
    story.closed_us = ends.closed_us[row];
    story.closed_after_us = ends.closed_after_us[row];
    story.last_seen_us = story.closed_after_us;
    story.reason = ends.reason[row];
    if (filter.wanted().transitions) {
      const auto states = transitions.of(row);
      story.transitions.assign(states.begin(), states.end());
    }
    if (!sink(story, names)) return false;
  }
  return true;
}

template <class T>
Result<bool> tell_rows(const ChunkReader& chunk, const HistoryFilter& filter,
                       std::vector<std::uint32_t> rows, Snapshot& names, bool has_names,
                       const StorySink<T>& sink) {
  Column ended;
  if constexpr (std::is_same_v<T, Peer>) {
    NETREC_TRY(last, chunk.column<T>(LifeGroup::ended, field_id<T>("last_us")));
    ended = std::move(last);
  }
  NETREC_CHECKED(keep_touching<T>(chunk, filter, ended, rows));
  if (rows.empty()) return true;
  if (!has_names) {
    NETREC_TRY(read, chunk.names());
    names = std::move(read);
  }
  NETREC_TRY(columns, wanted_columns<T>(chunk, filter.wanted()));
  T story{};
  for (const std::uint32_t row : rows) {
    for (const FieldColumn<T>& column : columns) column.set(story, column.values[row]);
    if (!sink(story, names)) return false;
  }
  return true;
}

}  // namespace

template <class T>
Result<bool> tell_chunk(const ChunkReader& chunk, const HistoryFilter& filter,
                        const StorySink<T>& sink) {
  if (chunk.rows<T>(LifeGroup::ended) == 0) return true;
  Snapshot names;
  if (filter.needs_names()) {
    NETREC_TRY(read, chunk.names());
    names = std::move(read);
  }
  NETREC_TRY(rows, filter.select<T>(chunk, names));
  if (rows.empty()) return true;
  if constexpr (std::is_same_v<T, Socket>)
    return tell_sockets(chunk, filter, std::move(rows), names, filter.needs_names(), sink);
  else
    return tell_rows<T>(chunk, filter, std::move(rows), names, filter.needs_names(), sink);
}

template Result<bool> tell_chunk<Socket>(const ChunkReader&, const HistoryFilter&,
                                         const StorySink<Socket>&);
template Result<bool> tell_chunk<Peer>(const ChunkReader&, const HistoryFilter&,
                                       const StorySink<Peer>&);
template Result<bool> tell_chunk<Resolution>(const ChunkReader&, const HistoryFilter&,
                                             const StorySink<Resolution>&);

}  // namespace netrec
