#include "store/search_writer.h"

#include <algorithm>
#include <chrono>

namespace netrec {

namespace {

std::uint64_t number_of(const Query& query, int column) {
  return static_cast<std::uint64_t>(query.integer(column));
}

}  // namespace

Result<SearchWriter> SearchWriter::open(const Database& database) {
  NETREC_TRY(add, database.prepare("INSERT OR REPLACE INTO search_chunk (first_sequence, keys)"
                                   " VALUES (?, ?)"));
  NETREC_TRY(ungrouped,
             database.prepare("SELECT k.first_sequence, keys, header FROM search_chunk AS k"
                              "  LEFT JOIN chunk AS c USING (first_sequence) ORDER BY 1 LIMIT ?"));
  NETREC_TRY(between, database.prepare("SELECT (SELECT count(*) FROM keyframe WHERE sequence > ?1"
                                       "           AND sequence < ?2) +"
                                       "       (SELECT count(*) FROM frame WHERE sequence > ?1"
                                       "           AND sequence < ?2)"));
  NETREC_TRY(number, database.prepare("SELECT ifnull(max(number), 0) + 1 FROM search_group"));
  NETREC_TRY(group, database.prepare("INSERT INTO search_group (number, first_sequence,"
                                     " last_sequence, chunks) VALUES (?, ?, ?, ?)"));
  NETREC_TRY(page,
             database.prepare("INSERT OR REPLACE INTO search_page (id, entries) VALUES (?, ?)"));
  NETREC_TRY(forget,
             database.prepare("DELETE FROM search_chunk WHERE first_sequence BETWEEN ? AND ?"));
  NETREC_TRY(count, database.prepare("SELECT count(*) FROM search_chunk"));
  SearchWriter writer(Queries{std::move(add), std::move(ungrouped), std::move(between),
                              std::move(number), std::move(group), std::move(page),
                              std::move(forget), std::move(count)});
  NETREC_CHECKED(writer.count_ungrouped());
  return writer;
}

Status SearchWriter::count_ungrouped() {
  NETREC_TRY(found, queries_.count.first());
  ungrouped_ = found ? static_cast<std::size_t>(queries_.count.integer(0)) : 0;
  queries_.count.reset();
  return {};
}

Status SearchWriter::add(std::uint64_t first_sequence, const SearchKeys& keys) {
  return queries_.add.run(first_sequence, SqlValue::blob(keys.encode()));
}

// A group vouches for all frames from its first to its last: where one is missing, it ends.
Result<bool> SearchWriter::follows(const Run& run, std::uint64_t first_sequence) {
  if (run.group.chunks.empty()) return true;
  const std::uint64_t last = run.group.last_sequence();
  if (first_sequence <= last) return false;
  NETREC_TRY(found, queries_.between.first(last, first_sequence));
  const bool all = found && number_of(queries_.between, 0) == first_sequence - last - 1;
  queries_.between.reset();
  return all;
}

// Keys whose chunk cannot be made out are forgotten with the group before them: such a chunk is
// read by every search.
Status SearchWriter::read_chunks(Run& run) {
  NETREC_TRY(more, queries_.ungrouped.first(kGroupChunks));
  while (more) {
    const std::uint64_t first_sequence = number_of(queries_.ungrouped, 0);
    const auto keys = ShortKeys::decode(queries_.ungrouped.bytes(1));
    const auto header = ChunkHeader::decode(queries_.ungrouped.bytes(2));
    const bool is_sound = keys && header && header->first_sequence == first_sequence;
    NETREC_TRY(follows_on, follows(run, first_sequence));
    if (is_sound && !follows_on) break;
    if (run.chunks++ == 0) run.first_sequence = first_sequence;
    run.last_sequence = first_sequence;
    if (!is_sound) break;
    run.group.chunks.push_back(grouped(*header, *keys));
    run.keys.push_back(*keys);
    NETREC_TRY(next, queries_.ungrouped.next());
    more = next;
  }
  queries_.ungrouped.reset();
  return {};
}

Status SearchWriter::begin(Sealing where) {
  auto run = std::make_unique<Run>();
  NETREC_CHECKED(read_chunks(*run));
  NETREC_TRY(found, queries_.number.first());
  run->group.number = found ? static_cast<std::uint32_t>(queries_.number.integer(0)) : 1;
  queries_.number.reset();
  run_ = std::move(run);
  const auto policy =
      where == Sealing::aside ? std::launch::async | std::launch::deferred : std::launch::deferred;
  run_->making = std::async(policy, [run = run_.get()] {
    return run->keys.empty() ? std::vector<SearchPage>{} : make_pages(run->group.number, run->keys);
  });
  return {};
}

bool SearchWriter::is_ready() const {
  return !run_->making.valid() ||
         run_->making.wait_for(std::chrono::seconds(0)) != std::future_status::timeout;
}

Status SearchWriter::write(const Run& run) {
  if (!run.group.chunks.empty())
    NETREC_CHECKED(queries_.insert_group.run(run.group.number, run.group.first_sequence(),
                                             run.group.last_sequence(),
                                             SqlValue::blob(run.group.encode())));
  for (const SearchPage& page : run.pages)
    NETREC_CHECKED(queries_.insert_page.run(page.id, SqlValue::blob(page.bytes)));
  return queries_.forget.run(run.first_sequence, run.last_sequence);
}

Status SearchWriter::install() {
  if (run_->making.valid()) run_->pages = run_->making.get();
  return write(*run_);
}

void SearchWriter::installed() {
  // Retention may have dropped some of them meanwhile.
  ungrouped_ = run_->chunks == 0 ? 0 : ungrouped_ - std::min(ungrouped_, run_->chunks);
  run_.reset();
}

}  // namespace netrec
