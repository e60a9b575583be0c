#include "store/history_chunk.h"

#include <algorithm>
#include <numeric>
#include <type_traits>

#include "store/chunk_layout.h"
#include "store/packed_column.h"

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

/// Drops the rows that do not touch the range; `ended_us` is when each ended: nothing as it opened.
template <class T>
Status keep_touching(const ChunkReader& chunk, const HistoryFilter& filter, const Column& ended_us,
                     std::vector<std::uint32_t>& rows) {
  if (filter.takes_all_times()) return {};
  const auto opening = static_cast<std::uint16_t>(layout_of<T>().opening);
  NETREC_TRY(opened, chunk.column<T>(LifeGroup::ended, opening));
  const Column& ended = ended_us.empty() ? opened : ended_us;
  std::erase_if(rows, [&](std::uint32_t row) { return !filter.touches(opened[row], ended[row]); });
  return {};
}

/// True if what is wanted of sockets refers to texts, processes, users or namespaces.
bool wants_names(const Wanted& wanted) {
  if (!wanted.fields) return true;
  const auto fields = fields_of<Socket>();
  for (std::size_t id = 0; id < fields.size(); ++id) {
    const FieldKind kind = fields[id].kind;
    const bool refers =
        kind == FieldKind::text || kind == FieldKind::reference || fields[id].name == "uid";
    if (refers && is_wanted<Socket>(wanted, id)) return true;
  }
  return false;
}

template <class T>
Result<bool> tell_rows(const ChunkReader& chunk, const HistoryFilter& filter,
                       std::vector<std::uint32_t> rows, WantedNames& names,
                       const StorySink<T>& sink) {
  Column ended;
  if constexpr (std::is_same_v<T, Peer>) {
    NETREC_TRY(last, chunk.column<T>(LifeGroup::ended, field_id<T>("last_us")));
    ended = std::move(last);
  }
  NETREC_CHECKED(keep_touching<T>(chunk, filter, ended, rows));
  if (rows.empty()) return true;
  if (!filter.needs_names()) NETREC_CHECKED(names.read(chunk));
  NETREC_TRY(columns, wanted_columns<T>(chunk, filter.wanted()));
  T story{};
  for (const std::uint32_t row : rows) {
    for (const FieldColumn<T>& column : columns) column.set(story, column.values[row]);
    if (!sink(story, *names.names())) return false;
  }
  return true;
}

}  // namespace

void ConnectionColumns::read(std::uint32_t row, Connection& life) const {
  const auto all = fields_of<Socket>();
  for (std::size_t id = 0; id < fields.size(); ++id)
    if (!fields[id].empty()) all[id].set(life.socket, fields[id][row]);
  life.session = session;
  if (!ends.closed_us.empty()) {
    life.closed_us = ends.closed_us[row];
    life.closed_after_us = life.last_seen_us = ends.closed_after_us[row];
    life.reason = ends.reason[row];
  }
  if (!transitions.first.empty()) {
    const auto states = transitions.of(row);
    life.transitions.assign(states.begin(), states.end());
  }
}

namespace {

/// Keeps of `column` what stands at `rows`.
template <class T>
void keep_rows(std::vector<T>& column, std::span<const std::uint32_t> rows) {
  if (column.empty()) return;
  for (std::size_t i = 0; i < rows.size(); ++i) column[i] = column[rows[i]];
  column.resize(rows.size());
}

TransitionColumns some_of(const TransitionColumns& all, std::span<const std::uint32_t> rows) {
  TransitionColumns some;
  for (const std::uint32_t row : rows) {
    some.first.push_back(static_cast<std::uint32_t>(some.transitions.size()));
    const auto states = all.of(row);
    some.transitions.insert(some.transitions.end(), states.begin(), states.end());
  }
  some.first.push_back(static_cast<std::uint32_t>(some.transitions.size()));
  return some;
}

/// Has `lives` hold the wanted rows alone.
Status read_few(const ChunkReader& chunk, const Wanted& wanted, ConnectionColumns& lives) {
  for (std::uint16_t id = 0; id < lives.fields.size(); ++id) {
    if (!is_wanted<Socket>(wanted, id) || !chunk.has<Socket>(LifeGroup::ended, id)) continue;
    NETREC_TRY(values, chunk.cells<Socket>(LifeGroup::ended, id, lives.rows));
    lives.fields[id] = std::move(values);
  }
  if (wanted.transitions) {
    NETREC_TRY(transitions, chunk.transitions(LifeGroup::ended));
    lives.transitions = some_of(transitions, lives.rows);
  }
  keep_rows(lives.ends.closed_us, lives.rows);
  keep_rows(lives.ends.closed_after_us, lives.rows);
  keep_rows(lives.ends.reason, lives.rows);
  std::iota(lives.rows.begin(), lives.rows.end(), 0);
  return {};
}

}  // namespace

Result<ConnectionColumns> read_connections(const ChunkReader& chunk, const HistoryFilter& filter,
                                           WantedNames& names) {
  const Wanted& wanted = filter.wanted();
  ConnectionColumns lives;
  lives.session = chunk.header().session;
  lives.fields.resize(fields_of<Socket>().size());
  if (filter.needs_names()) NETREC_CHECKED(names.read(chunk));
  HistoryFilter::Unpacked unpacked;
  NETREC_TRY(rows, filter.select<Socket>(chunk, names, unpacked));
  lives.rows = std::move(rows);
  if (lives.rows.empty()) return lives;
  if (wanted.ends || !filter.takes_all_times()) {
    NETREC_TRY(ends, chunk.ends<Socket>());
    lives.ends = std::move(ends);
  }
  NETREC_CHECKED(keep_touching<Socket>(chunk, filter, lives.ends.closed_us, lives.rows));
  if (lives.rows.empty()) return lives;
  if (!filter.needs_names() && wants_names(wanted)) NETREC_CHECKED(names.read(chunk));
  lives.names = names.names();
  if (are_few(lives.rows.size(), chunk.rows<Socket>(LifeGroup::ended))) {
    NETREC_CHECKED(read_few(chunk, wanted, lives));
    return lives;
  }
  for (std::uint16_t id = 0; id < lives.fields.size(); ++id) {
    if (!is_wanted<Socket>(wanted, id) || !chunk.has<Socket>(LifeGroup::ended, id)) continue;
    if (const auto known = unpacked.find(id); known != unpacked.end()) {
      lives.fields[id] = std::move(known->second);
      continue;
    }
    NETREC_TRY(values, chunk.column<Socket>(LifeGroup::ended, id));
    lives.fields[id] = std::move(values);
  }
  if (wanted.transitions) {
    NETREC_TRY(transitions, chunk.transitions(LifeGroup::ended));
    lives.transitions = std::move(transitions);
  }
  return lives;
}

namespace {

Result<bool> tell_sockets(const ChunkReader& chunk, const HistoryFilter& filter, WantedNames& names,
                          const StorySink<Socket>& sink) {
  NETREC_TRY(lives, read_connections(chunk, filter, names));
  Connection life;
  for (const std::uint32_t row : lives.rows) {
    lives.read(row, life);
    if (!sink(life, *lives.names)) return false;
  }
  return true;
}

}  // namespace

template <class T>
Result<bool> tell_chunk(const ChunkReader& chunk, const HistoryFilter& filter, WantedNames& names,
                        const StorySink<T>& sink) {
  if (chunk.rows<T>(LifeGroup::ended) == 0) return true;
  if constexpr (std::is_same_v<T, Socket>) {
    return tell_sockets(chunk, filter, names, sink);
  } else {
    if (filter.needs_names()) NETREC_CHECKED(names.read(chunk));
    HistoryFilter::Unpacked unpacked;
    NETREC_TRY(rows, filter.select<T>(chunk, names, unpacked));
    if (rows.empty()) return true;
    return tell_rows<T>(chunk, filter, std::move(rows), names, sink);
  }
}

template Result<bool> tell_chunk<Socket>(const ChunkReader&, const HistoryFilter&, WantedNames&,
                                         const StorySink<Socket>&);
template Result<bool> tell_chunk<Peer>(const ChunkReader&, const HistoryFilter&, WantedNames&,
                                       const StorySink<Peer>&);
template Result<bool> tell_chunk<Resolution>(const ChunkReader&, const HistoryFilter&, WantedNames&,
                                             const StorySink<Resolution>&);

}  // namespace netrec
