#include "store/chunk_table.h"

#include <algorithm>
#include <optional>

namespace netrec {

Damage ChunkRow::damage(std::string what) const {
  return {.first_sequence = first_sequence,
          .last_sequence = last_sequence,
          .from = least_wall,
          .to = most_wall,
          .what = fmt::format("frames {} to {}: {}", first_sequence, last_sequence, what)};
}

Result<ChunkTable> ChunkTable::open(const Database& database) {
  NETREC_TRY(headers,
             database.prepare("SELECT first_sequence, last_sequence, least_wall_us, most_wall_us,"
                              "       header FROM chunk"
                              " WHERE first_sequence BETWEEN ? AND ? ORDER BY first_sequence"));
  NETREC_TRY(spans,
             database.prepare("SELECT first_sequence, last_sequence, least_wall_us, most_wall_us"
                              "  FROM chunk WHERE first_sequence BETWEEN ? AND ? ORDER BY 1"));
  NETREC_TRY(whole, database.prepare("SELECT body FROM chunk WHERE first_sequence = ?"));
  NETREC_TRY(row,
             database.prepare("SELECT first_sequence, last_sequence, least_wall_us, most_wall_us"
                              "  FROM chunk WHERE first_sequence = ?"));
  NETREC_TRY(between, database.prepare("SELECT (SELECT count(*) FROM keyframe NOT INDEXED"
                                       "         WHERE sequence > ?1 AND sequence < ?2) +"
                                       "       (SELECT count(*) FROM frame"
                                       "         WHERE sequence > ?1 AND sequence < ?2)"));
  NETREC_TRY(keys, KeyFinder::open(database, "chunk", "first_sequence"));
  NETREC_TRY(index, SearchIndex::open(database));
  return ChunkTable(database, std::move(headers), std::move(spans), std::move(whole),
                    std::move(row), std::move(between), std::move(keys), std::move(index));
}

namespace {

ChunkRow row_of(const Query& query) {
  const auto number = [&](int column) { return static_cast<std::uint64_t>(query.integer(column)); };
  const auto wall = [&](int column) {
    return WallTime(std::chrono::microseconds(query.integer(column)));
  };
  return {.first_sequence = number(0),
          .last_sequence = number(1),
          .least_wall = wall(2),
          .most_wall = wall(3)};
}

}  // namespace

Result<ChunkRow> ChunkTable::row(std::uint64_t first_sequence) {
  NETREC_TRY(found, row_.first(first_sequence));
  if (!found) return failure(ErrorKind::not_found, "there is no chunk {}", first_sequence);
  const ChunkRow row = row_of(row_);
  row_.reset();
  return row;
}

// What rows cost that lie between two keys: the time from the chunk before to the one after.
Damage ChunkTable::lost(std::uint64_t first, std::uint64_t last) {
  constexpr const char* kWhat = "a page of the file cannot be read";
  if (const auto alone = row(first)) return alone->damage(kWhat);
  ChunkRow hole{.first_sequence = first, .last_sequence = last};
  if (const auto before = keys_.at_or_before(first - 1); before && before->key != 0)
    if (const auto there = row(before->key)) {
      hole.first_sequence = std::max(first, there->last_sequence + 1);
      hole.least_wall = hole.most_wall = there->most_wall;
    }
  if (const auto after = keys_.at_or_after(first); after && after->key != 0)
    if (const auto there = row(after->key)) hole.most_wall = there->least_wall;
  return hole.damage(kWhat);
}

Status ChunkTable::visit_rows(std::uint64_t first, std::uint64_t last, std::vector<Damage>& damage,
                              const Visit& visit) {
  const auto visit_row = [&]() -> Result<bool> {
    const ChunkRow row = row_of(headers_);
    const auto header = ChunkHeader::decode(headers_.bytes(4));
    if (header) return visit(row, *header);
    damage.push_back(row.damage(header.error().message));
    return true;
  };
  return read_rows(headers_, keys_, first, last, visit_row,
                   [&](std::uint64_t from, std::uint64_t to) { damage.push_back(lost(from, to)); });
}

// True if each frame between the two is a row of its own.
Result<bool> ChunkTable::fills(std::uint64_t after, std::uint64_t before) {
  if (before <= after + 1) return true;
  const auto found = between_.first(after, before);
  const std::int64_t rows = found && *found ? between_.integer(0) : 0;
  between_.reset();
  // What cannot be read there is told by whoever goes there.
  if (!found && found.error().kind == ErrorKind::corrupt) return true;
  if (!found) return tl::unexpected<Error>(found.error());
  return static_cast<std::uint64_t>(rows) >= before - after - 1;
}

Status ChunkTable::visit_ungrouped(std::uint64_t first, std::uint64_t last,
                                   std::vector<Damage>& damage, const Visit& visit) {
  std::optional<ChunkRow> before;
  const auto follow = [&](const ChunkRow& row, const ChunkHeader& header) -> Result<bool> {
    if (before) {
      NETREC_TRY(filled, fills(before->last_sequence, row.first_sequence));
      const bool is_told = !damage.empty() && damage.back().last_sequence + 1 >= row.first_sequence;
      if (!filled && !is_told)
        damage.push_back(ChunkRow{.first_sequence = before->last_sequence + 1,
                                  .last_sequence = row.first_sequence - 1,
                                  .least_wall = before->most_wall,
                                  .most_wall = row.least_wall}
                             .damage("these frames are not in the file"));
    }
    before = row;
    return visit(row, header);
  };
  return visit_rows(first, last, damage, follow);
}

namespace {

ChunkRow row_of(const GroupedChunk& chunk) {
  const auto wall = [](std::uint64_t us) {
    return WallTime(std::chrono::microseconds(static_cast<std::int64_t>(us)));
  };
  return {.first_sequence = chunk.first_sequence,
          .last_sequence = chunk.last_sequence,
          .least_wall = wall(chunk.least_wall_us),
          .most_wall = wall(chunk.most_wall_us)};
}

}  // namespace

// A chunk the group knows is missed if it is gone, unless retention dropped it.
Status ChunkTable::visit_group(const SearchGroup& group, std::uint64_t first, std::uint64_t last,
                               const ChunkChoice& choice, std::vector<Damage>& damage,
                               const Visit& visit) {
  const ChunkSet may_hold = index_.may_hold(group, choice.keys);
  bool going_on = true;
  for (std::size_t i = 0; i < group.chunks.size() && going_on; ++i) {
    const GroupedChunk& chunk = group.chunks[i];
    if (chunk.first_sequence < first || chunk.first_sequence > last) continue;
    if (!may_hold[i] || !choice.takes(chunk)) continue;
    bool found = false;
    const auto noted = [&](const ChunkRow& row, const ChunkHeader& header) {
      found = true;
      auto more = visit(row, header);
      going_on = more && *more;
      return more;
    };
    const std::size_t damaged = damage.size();
    NETREC_CHECKED(visit_rows(chunk.first_sequence, chunk.first_sequence, damage, noted));
    if (!found && damage.size() == damaged)
      damage.push_back(row_of(chunk).damage("these frames are not in the file"));
  }
  return {};
}

Status ChunkTable::for_each(std::uint64_t first, std::uint64_t last, const ChunkChoice& choice,
                            std::vector<Damage>& damage, const Visit& visit) {
  bool stopped = false;
  const auto noted = [&](const ChunkRow& row, const ChunkHeader& header) {
    auto going_on = visit(row, header);
    stopped = !going_on || !*going_on;
    return going_on;
  };
  // What is in no group is asked by its own keys, which it has from when it was sealed.
  const auto ungrouped = [&](const ChunkRow& row, const ChunkHeader& header) -> Result<bool> {
    if (!index_.may_hold(row.first_sequence, choice.keys)) return true;
    return noted(row, header);
  };
  std::uint64_t from = first;
  for (const SearchGroup& group : index_.groups(first, last)) {
    if (stopped) return {};
    if (group.first_sequence() > from)
      NETREC_CHECKED(visit_ungrouped(from, group.first_sequence() - 1, damage, ungrouped));
    NETREC_CHECKED(visit_group(group, from, last, choice, damage, noted));
    from = std::max(from, group.last_sequence() + 1);
  }
  return stopped || from > last ? Status{} : visit_ungrouped(from, last, damage, ungrouped);
}

// Of the chunks of a group, those are left out that cannot be wanted.
void ChunkTable::leave_out(const SearchGroup& group, std::uint64_t first, std::uint64_t last,
                           const ChunkChoice& choice, std::vector<Listed>& chunks,
                           std::vector<Damage>& damage) {
  const ChunkSet may_hold = index_.may_hold(group, choice.keys);
  const auto begins_before = [](const Listed& chunk, std::uint64_t sequence) {
    return chunk.row.first_sequence < sequence;
  };
  for (std::size_t i = 0; i < group.chunks.size(); ++i) {
    const std::uint64_t sequence = group.chunks[i].first_sequence;
    if (sequence < first || sequence > last) continue;
    const auto found = std::lower_bound(chunks.begin(), chunks.end(), sequence, begins_before);
    const bool is_there = found != chunks.end() && found->row.first_sequence == sequence;
    const bool is_taken = may_hold[i] && choice.takes(group.chunks[i]);
    if (!is_there && is_taken)
      damage.push_back(row_of(group.chunks[i]).damage("these frames are not in the file"));
    if (is_there && !is_taken) found->row.last_sequence = 0;
  }
}

Result<std::vector<ChunkTable::Listed>> ChunkTable::list(std::uint64_t first, std::uint64_t last,
                                                         const ChunkChoice& choice,
                                                         std::vector<Damage>& damage) {
  std::vector<Listed> chunks;
  NETREC_TRY(found, spans_.first(first, std::min(last, kLastKey)));
  for (bool more = found; more;) {
    chunks.push_back({.row = row_of(spans_), .after = 0});
    if (chunks.size() > 1) chunks.back().after = chunks[chunks.size() - 2].row.last_sequence;
    NETREC_TRY(next, spans_.next());
    more = next;
  }
  std::uint64_t grouped = 0;
  for (const SearchGroup& group : index_.groups(first, last)) {
    leave_out(group, first, last, choice, chunks, damage);
    grouped = std::max(grouped, group.last_sequence());
  }
  std::erase_if(chunks, [&](const Listed& chunk) {
    const ChunkRow& row = chunk.row;
    const bool is_late = row.first_sequence > grouped;
    return row.last_sequence == 0 || (is_late && !index_.may_hold(row.first_sequence, choice.keys));
  });
  return chunks;
}

Status ChunkTable::visit(const Listed& chunk, std::vector<Damage>& damage, const Visit& visit) {
  const std::uint64_t sequence = chunk.row.first_sequence;
  if (chunk.after != 0 && chunk.after < sequence) {
    NETREC_TRY(filled, fills(chunk.after, sequence));
    if (!filled)
      damage.push_back(ChunkRow{.first_sequence = chunk.after + 1,
                                .last_sequence = sequence - 1,
                                .least_wall = chunk.row.least_wall,
                                .most_wall = chunk.row.least_wall}
                           .damage("these frames are not in the file"));
  }
  bool found = false;
  const auto noted = [&](const ChunkRow& row, const ChunkHeader& header) {
    found = true;
    return visit(row, header);
  };
  const std::size_t damaged = damage.size();
  NETREC_CHECKED(visit_rows(sequence, sequence, damage, noted));
  if (!found && damage.size() == damaged)
    damage.push_back(chunk.row.damage("these frames are not in the file"));
  return {};
}

// Parts are found by the file's pointer map (getOverflowPage() in btree.c); where that cannot be
// read, what it leads to mostly can, from its beginning.
Status ChunkTable::read_body(std::uint64_t first_sequence, std::size_t offset,
                             std::span<char> out) {
  auto read = body_.read(offset, out);
  if (read || read.error().kind != ErrorKind::corrupt) return read;
  NETREC_TRY(found, whole_.first(first_sequence));
  const std::string_view all = found ? whole_.bytes(0) : std::string_view();
  const bool is_there = offset <= all.size() && out.size() <= all.size() - offset;
  if (is_there) std::copy_n(all.data() + offset, out.size(), out.data());
  whole_.reset();
  return is_there ? Status{} : read;
}

Result<ChunkReader> ChunkTable::open_chunk(const ChunkRow& row, const ChunkHeader& header) {
  NETREC_CHECKED(database_->go_to(body_, "chunk", "body", row.first_sequence));
  return ChunkReader::open(
      header, ChunkBody(body_.size(), [this, first = row.first_sequence](std::size_t offset,
                                                                         std::span<char> out) {
        return read_body(first, offset, out);
      }));
}

Result<std::uint64_t> ChunkTable::last_sequence(std::uint64_t first, std::uint64_t last) {
  NETREC_TRY(found, keys_.at_or_before(last));
  if (found.key < first || found.key == 0) return 0;
  const auto end = row(found.key);
  return end ? end->last_sequence : found.key;
}

}  // namespace netrec
