#include "store/search_index.h"

#include <algorithm>

namespace netrec {

namespace {

std::uint64_t number(const Query& query, int column) {
  return static_cast<std::uint64_t>(query.integer(column));
}

}  // namespace

Result<SearchIndex> SearchIndex::open(const Database& database) {
  NETREC_TRY(there, database.has_table("search_group"));
  if (!there) return SearchIndex(std::nullopt);
  NETREC_TRY(groups, database.prepare("SELECT number, first_sequence, last_sequence, chunks"
                                      "  FROM search_group ORDER BY number"));
  NETREC_TRY(page, database.prepare("SELECT id, entries FROM search_page WHERE id <= ?"
                                    " ORDER BY id DESC LIMIT 1"));
  NETREC_TRY(keys, database.prepare("SELECT keys FROM search_chunk WHERE first_sequence = ?"));
  return SearchIndex(Rows{std::move(groups), std::move(page), std::move(keys)});
}

std::vector<SearchGroup> SearchIndex::groups(std::uint64_t first, std::uint64_t last) {
  std::vector<SearchGroup> found;
  if (!rows_) return found;
  std::uint64_t covered = 0;
  auto more = rows_->groups.first();
  while (more && *more) {
    const std::uint64_t from = number(rows_->groups, 1);
    const std::uint64_t to = number(rows_->groups, 2);
    if (from > covered && from <= last && to >= first)
      if (auto group = SearchGroup::decode(static_cast<std::uint32_t>(number(rows_->groups, 0)),
                                           from, to, rows_->groups.bytes(3))) {
        covered = to;
        found.push_back(*std::move(group));
      }
    more = rows_->groups.next();
  }
  rows_->groups.reset();
  return found;
}

ChunkSet SearchIndex::having(const SearchGroup& group, const WantedKey& wanted) {
  const std::uint64_t id = page_id(group.number, wanted.kind, wanted.key);
  const auto row = rows_->page.first(id);
  ChunkSet having(group.chunks.size(), true);
  // One of another kind or group is found where this one's is missing.
  if (row && *row && number(rows_->page, 0) >= page_id(group.number, wanted.kind, 0))
    if (auto found = find_in_page(number(rows_->page, 0), rows_->page.bytes(1), wanted.key,
                                  group.chunks.size())) {
      having = *std::move(found);
      for (std::size_t i = 0; i < having.size(); ++i)
        if ((group.chunks[i].anything >> static_cast<unsigned>(wanted.kind) & 1) != 0)
          having[i] = true;
    }
  rows_->page.reset();
  return having;
}

ChunkSet SearchIndex::may_hold(const SearchGroup& group, const WantedKeys& wanted) {
  ChunkSet left(group.chunks.size(), true);
  for (const std::vector<WantedKey>& clause : wanted) {
    ChunkSet any(group.chunks.size(), false);
    for (const WantedKey& one : clause) {
      const ChunkSet having = this->having(group, one);
      for (std::size_t i = 0; i < any.size(); ++i) any[i] = any[i] || having[i];
    }
    for (std::size_t i = 0; i < left.size(); ++i) left[i] = left[i] && any[i];
  }
  return left;
}

bool SearchIndex::may_hold(std::uint64_t first_sequence, const WantedKeys& wanted) {
  if (!rows_ || wanted.empty()) return true;
  const auto row = rows_->keys.first(first_sequence);
  bool may = true;
  if (row && *row)
    if (const auto keys = ShortKeys::decode(rows_->keys.bytes(0))) may = keys->may_hold(wanted);
  rows_->keys.reset();
  return may;
}

}  // namespace netrec
