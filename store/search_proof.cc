#include "store/search_proof.h"

#include <algorithm>

namespace netrec {

namespace {

std::uint64_t number(const Query& query, int column) {
  return static_cast<std::uint64_t>(query.integer(column));
}

}  // namespace

Result<SearchProof> SearchProof::open(const Database& database) {
  NETREC_TRY(there, database.has_table("search_group"));
  if (!there) return SearchProof(std::nullopt);
  NETREC_TRY(keys, database.prepare("SELECT keys FROM search_chunk WHERE first_sequence = ?"));
  NETREC_TRY(pages, database.prepare("SELECT id, entries FROM search_page WHERE id BETWEEN ? AND ?"
                                     " ORDER BY id"));
  SearchProof proof(Queries{std::move(keys), std::move(pages)});
  NETREC_TRY(groups, database.prepare("SELECT number, first_sequence, last_sequence, chunks"
                                      "  FROM search_group ORDER BY number"));
  auto more = groups.first();
  while (more && *more) {
    const auto name = static_cast<std::uint32_t>(number(groups, 0));
    auto group = SearchGroup::decode(name, number(groups, 1), number(groups, 2), groups.bytes(3));
    const bool is_next = group && (proof.groups_.empty() ||
                                   proof.groups_.back().last_sequence() < group->first_sequence());
    if (is_next)
      proof.groups_.push_back(*std::move(group));
    else
      proof.findings_.push_back(fmt::format(
          "search_group {}: {}", name, group ? "it lies over another" : group.error().message));
    more = groups.next();
  }
  if (!more) proof.findings_.push_back("search_group: " + more.error().message);
  return proof;
}

Status SearchProof::add(const ChunkHeader& header, const SearchKeys& keys) {
  if (!queries_) return {};
  const std::uint64_t first = header.first_sequence;
  while (group_ < groups_.size() && groups_[group_].last_sequence() < first)
    NETREC_CHECKED(check_group());
  if (group_ == groups_.size() || groups_[group_].first_sequence() > first)
    return check_ungrouped(first, keys);
  const SearchGroup& group = groups_[group_];
  const auto place = std::find_if(group.chunks.begin(), group.chunks.end(),
                                  [&](const auto& one) { return one.first_sequence == first; });
  ShortKeys derived = ShortKeys::from(keys);
  if (place == group.chunks.end() || !(*place == grouped(header, derived)))
    findings_.push_back(fmt::format("search_group {}: of chunk {} it says other than its frames",
                                    group.number, first));
  if (place != group.chunks.end())
    keys_[static_cast<std::size_t>(place - group.chunks.begin())] = std::move(derived);
  return {};
}

Status SearchProof::check_ungrouped(std::uint64_t first_sequence, const SearchKeys& keys) {
  const auto found = queries_->keys.first(first_sequence);
  if (!found || (*found && queries_->keys.bytes(0) != keys.encode()))
    findings_.push_back(fmt::format("search_chunk {}: {}", first_sequence,
                                    found ? "its keys are others" : found.error().message));
  queries_->keys.reset();
  return {};
}

Result<std::vector<PageEntry>> SearchProof::entries_of(const SearchGroup& group, KeyKind kind) {
  const std::uint64_t first = page_id(group.number, kind, 0);
  std::uint64_t next = first;
  const std::uint64_t end = first + (std::uint64_t{1} << kSearchKeyBits);
  std::vector<PageEntry> entries;
  NETREC_TRY(more, queries_->pages.first(first, end - 1));
  while (more) {
    const std::uint64_t id = number(queries_->pages, 0);
    if (id != next) break;
    NETREC_TRY(page, read_page(id, queries_->pages.bytes(1), group.chunks.size()));
    entries.insert(entries.end(), page.entries.begin(), page.entries.end());
    next = first + page.next;
    NETREC_TRY(another, queries_->pages.next());
    more = another;
  }
  if (more || next != end) return failure(ErrorKind::corrupt, "a page is missing");
  return entries;
}

// Of chunks that are not there any more, or cannot be read, it may say anything.
Status SearchProof::check_group() {
  const SearchGroup& group = groups_[group_];
  for (std::size_t kind = 0; kind < kKeyKinds; ++kind) {
    auto there = entries_of(group, static_cast<KeyKind>(kind));
    queries_->pages.reset();
    std::string what = there ? "" : there.error().message;
    if (there) {
      std::erase_if(*there, [&](const PageEntry& entry) { return keys_.count(entry.chunk) == 0; });
      std::vector<PageEntry> derived;
      for (const auto& [place, keys] : keys_)
        for (const std::uint32_t key : keys.of[kind].keys)
          derived.push_back({key, static_cast<std::uint32_t>(place)});
      std::sort(derived.begin(), derived.end());
      std::sort(there->begin(), there->end());
      if (*there != derived) what = "its pages say other than the frames of its chunks";
    }
    if (!what.empty())
      findings_.push_back(
          fmt::format("search_page: group {}, keys of kind {}: {}", group.number, kind, what));
  }
  keys_.clear();
  ++group_;
  return {};
}

Status SearchProof::finish() {
  while (queries_ && group_ < groups_.size()) NETREC_CHECKED(check_group());
  return {};
}

}  // namespace netrec
