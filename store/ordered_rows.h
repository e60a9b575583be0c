// Gives rows on in the order of one of their columns, as SQLite would sort them, while they come
// in parts of which it is known how far each goes (store/history_order.h). What belongs behind the
// next part is held back.
//
// Refused: sorting everything (LIMIT 10 would read a month), and holding back without end: a file
// can be made in which everything overlaps.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <queue>
#include <span>
#include <vector>

#include "store/history_order.h"
#include "store/row_batches.h"

namespace netrec {

class OrderedRows {
 public:
  /// `offer` must outlive it. `order.column` is among those in use.
  OrderedRows(const RowBatches::Offer& offer, const RowOrder& order);

  /// See HistoryOrder. Both return false once nobody wants more.
  bool begin_part(std::uint64_t bound_us, std::optional<std::uint64_t> next_us);
  bool begin_alive();
  void damage_met(std::size_t damage) { offer_.damage_met(damage); }

  /// Takes a row; false: nobody wants more.
  bool add(const CellWriter& write);

  /// Writes the cells of those `rows`, each the place of a row in its block.
  using BlockWriter =
      std::function<void(std::span<const std::uint32_t> rows, std::span<CellColumn> out)>;
  /// Takes as many rows as there are `values`, each what the column shows (nothing: NULL).
  /// `write` is not called after this returns.
  bool add(std::span<const std::optional<std::uint64_t>> values, const BlockWriter& write);

  /// After the last row. Errors: unsupported (more was out of order than can be held).
  Status finish();

  /// True if a row lay outside its part: it was given out of order.
  bool lies() const { return lies_; }

 private:
  /// Greater: given earlier. NULL is the smallest value there is.
  using Rank = std::uint64_t;
  struct Held {
    Rank rank = 0;
    std::uint64_t number = 0;  ///< in which they came
    std::shared_ptr<const CellBatch> batch;
    std::size_t row = 0;

    bool operator<(const Held& other) const {
      return rank != other.rank ? rank < other.rank : number > other.number;
    }
  };

  Rank rank_of(std::optional<std::uint64_t> value) const;
  BlockWriter writer_of_gathered() const;
  void hold_gathered();
  bool take_gathered();
  bool add_ranked(std::span<const Rank> ranks, const BlockWriter& write);
  bool give_held(Rank down_to);
  bool give(std::span<const std::uint32_t> rows, const BlockWriter& write);
  void hold(std::span<const std::uint32_t> rows, std::span<const Rank> ranks,
            const BlockWriter& write);
  CellBatch empty_batch() const;

  const RowBatches::Offer& offer_;
  const RowOrder order_;
  std::size_t place_ = 0;  ///< of the column among those in use
  Rank bound_ = 0;         ///< nothing comes that ranks higher
  Rank next_ = 0;          ///< what ranks at least so high can be given
  bool alive_ = false;     ///< rows without a value come: they are equals
  bool lies_ = false;
  bool wanted_ = true;
  bool too_many_ = false;
  CellBatch gathered_;  ///< rows that came one by one, in this part
  std::vector<Rank> gathered_ranks_;
  std::priority_queue<Held> held_;
  std::uint64_t count_ = 0;
};

/// Has `scan` tell what it tells in the order wanted, which is that of a time of its kind.
Result<std::vector<Damage>> scan_in_order(
    const RowBatches::Offer& offer, const RowOrder& order, HistoryOrder::Time time,
    const Timeline& timeline,
    const std::function<Result<std::vector<Damage>>(const HistoryOrder&, OrderedRows&)>& scan);

}  // namespace netrec
