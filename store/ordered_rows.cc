#include "store/ordered_rows.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace netrec {

namespace {

/// Cells held back: half a gigabyte.
constexpr std::size_t kMostHeldCells = 1 << 25;

/// Rows that came one by one and are ordered together.
constexpr std::size_t kMostGathered = 1 << 16;

std::optional<std::uint64_t> shown_in(const CellColumn::Cell& cell) {
  if (cell.kind != CellColumn::Kind::number) return std::nullopt;
  return static_cast<std::uint64_t>(cell.number);
}

}  // namespace

OrderedRows::OrderedRows(const RowBatches::Offer& offer, const RowOrder& order)
    : offer_(offer), order_(order), alive_(!order.descending), gathered_(empty_batch()) {
  const auto& used = offer.used();
  place_ =
      static_cast<std::size_t>(std::find(used.begin(), used.end(), order.column) - used.begin());
}

CellBatch OrderedRows::empty_batch() const {
  CellBatch batch;
  batch.columns.assign(offer_.used().size(), CellColumn());
  return batch;
}

// Values are below 2^63.
OrderedRows::Rank OrderedRows::rank_of(std::optional<std::uint64_t> value) const {
  const Rank up = value ? std::min<std::uint64_t>(*value, INT64_MAX) + 1 : 0;
  return order_.descending ? up : ~up;
}

bool OrderedRows::begin_part(std::uint64_t bound_us, std::optional<std::uint64_t> next_us) {
  if (!take_gathered()) return false;
  alive_ = false;
  bound_ = rank_of(bound_us);
  next_ = next_us ? rank_of(next_us) : 0;
  return give_held(bound_);
}

bool OrderedRows::begin_alive() {
  if (!take_gathered() || !give_held(0)) return false;
  alive_ = true;
  return true;
}

bool OrderedRows::add(const CellWriter& write) {
  if (!wanted_) return false;
  if (alive_) return wanted_ = offer_(write);
  for (std::size_t i = 0; i < gathered_.columns.size(); ++i)
    write(offer_.used()[i], gathered_.columns[i]);
  ++gathered_.rows;
  gathered_ranks_.push_back(rank_of(shown_in(gathered_.columns[place_].last())));
  if (gathered_.rows == kMostGathered) hold_gathered();
  return wanted_;
}

// ---- rows that came one by one

OrderedRows::BlockWriter OrderedRows::writer_of_gathered() const {
  return [this](std::span<const std::uint32_t> rows, std::span<CellColumn> out) {
    for (const std::uint32_t row : rows)
      for (std::size_t i = 0; i < out.size(); ++i) gathered_.columns[i].write(row, out[i]);
  };
}

// The part goes on: what comes may belong before what came.
void OrderedRows::hold_gathered() {
  std::vector<std::uint32_t> rows(gathered_.rows);
  std::iota(rows.begin(), rows.end(), 0);
  hold(rows, gathered_ranks_, writer_of_gathered());
  gathered_ = empty_batch();
  gathered_ranks_.clear();
}

bool OrderedRows::take_gathered() {
  if (gathered_.rows == 0) return wanted_;
  const bool more = add_ranked(gathered_ranks_, writer_of_gathered());
  gathered_ = empty_batch();
  gathered_ranks_.clear();
  return more;
}

bool OrderedRows::add(std::span<const std::optional<std::uint64_t>> values,
                      const BlockWriter& write) {
  if (!take_gathered()) return false;
  std::vector<Rank> ranks;
  ranks.reserve(values.size());
  for (const auto value : values) ranks.push_back(rank_of(value));
  return add_ranked(ranks, write);
}

// What is held and what came are given in one order, as far down as the next part allows.
bool OrderedRows::add_ranked(std::span<const Rank> ranks, const BlockWriter& write) {
  std::vector<std::uint32_t> rows(ranks.size());
  std::iota(rows.begin(), rows.end(), 0);
  std::stable_sort(rows.begin(), rows.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return ranks[a] > ranks[b]; });
  std::size_t given = 0;
  while (given < rows.size() && ranks[rows[given]] >= next_) {
    const bool is_behind = !held_.empty() && held_.top().rank >= ranks[rows[given]];
    if (is_behind && !give_held(ranks[rows[given]])) return false;
    const Rank least = std::max(next_, held_.empty() ? 0 : held_.top().rank + 1);
    lies_ = lies_ || ranks[rows[given]] > bound_;
    std::size_t end = given;
    while (end < rows.size() && ranks[rows[end]] >= least) ++end;
    if (!give(std::span(rows).subspan(given, end - given), write)) return false;
    given = end;
  }
  if (!give_held(next_)) return false;
  hold(std::span(rows).subspan(given), ranks, write);
  return wanted_ = offer_.give_now();
}

bool OrderedRows::give(std::span<const std::uint32_t> rows, const BlockWriter& write) {
  if (rows.empty()) return wanted_;
  return wanted_ = wanted_ && offer_(rows.size(), [&](std::size_t first, std::size_t last,
                                                      std::span<CellColumn> out) {
                     write(rows.subspan(first, last - first), out);
                   });
}

// ---- what is held back

void OrderedRows::hold(std::span<const std::uint32_t> rows, std::span<const Rank> ranks,
                       const BlockWriter& write) {
  constexpr std::size_t kRowsABatch = 1024;
  for (const std::uint32_t row : rows) lies_ = lies_ || ranks[row] > bound_;
  for (std::size_t first = 0; first < rows.size(); first += kRowsABatch) {
    const auto some = rows.subspan(first, std::min(kRowsABatch, rows.size() - first));
    const auto batch = std::make_shared<CellBatch>(empty_batch());
    write(some, batch->columns);
    batch->rows = some.size();
    for (std::size_t i = 0; i < some.size(); ++i)
      held_.push({.rank = ranks[some[i]], .number = count_++, .batch = batch, .row = i});
  }
  if (held_.size() * std::max<std::size_t>(1, offer_.used().size()) > kMostHeldCells) {
    too_many_ = true;
    wanted_ = false;
  }
}

bool OrderedRows::give_held(Rank down_to) {
  while (wanted_ && !held_.empty() && held_.top().rank >= down_to) {
    const Held row = held_.top();
    held_.pop();
    wanted_ = offer_(1, [&](std::size_t, std::size_t, std::span<CellColumn> out) {
      for (std::size_t i = 0; i < out.size(); ++i) row.batch->columns[i].write(row.row, out[i]);
    });
  }
  return wanted_;
}

Status OrderedRows::finish() {
  if (!alive_) (void)(take_gathered() && give_held(0));
  if (too_many_)
    return failure(ErrorKind::unsupported,
                   "too much of this file is out of order: have SQLite sort it (ORDER BY +column)");
  return {};
}

Result<std::vector<Damage>> scan_in_order(
    const RowBatches::Offer& offer, const RowOrder& order, HistoryOrder::Time time,
    const Timeline& timeline,
    const std::function<Result<std::vector<Damage>>(const HistoryOrder&, OrderedRows&)>& scan) {
  OrderedRows rows(offer, order);
  const HistoryOrder asked{
      .time = time,
      .descending = order.descending,
      .begin_part = [&](auto bound_us, auto next_us) { return rows.begin_part(bound_us, next_us); },
      .damage_met = [&](std::size_t damage) { rows.damage_met(damage); },
      .begin_alive = [&] { return rows.begin_alive(); }};
  NETREC_TRY(damage, scan(asked, rows));
  NETREC_CHECKED(rows.finish());
  if (!rows.lies()) return damage;
  std::vector<Damage> all = std::move(damage);
  all.push_back({.first_sequence = timeline.summary().first_sequence,
                 .last_sequence = timeline.summary().last_sequence,
                 .from = timeline.summary().first_wall,
                 .to = timeline.summary().last_wall,
                 .what = "some times lie outside the frames that tell them: those rows are out of "
                         "order"});
  return all;
}

}  // namespace netrec
