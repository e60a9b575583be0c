// Makes the cells of `connections` out of the columns of a chunk (history.h): what takes one field
// is made column by column, and what comes again and again (an address, a program) once.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "schema/ip_address.h"
#include "store/entity_columns.h"
#include "store/history_columns.h"
#include "store/row_batches.h"

namespace netrec {

class LifeCells {
 public:
  /// `used`: the columns of `all` that are asked for, in order. Both must outlive it.
  LifeCells(const EntityColumns<Socket>& all, const std::vector<int>& used);

  /// Takes up the lives of another chunk.
  void begin(std::shared_ptr<const ConnectionColumns> lives);
  /// Appends the cells of lives.rows[first, last) to `out`, a column for each of `used`.
  void write(std::size_t first, std::size_t last, std::span<CellColumn> out);
  /// The same of some of lives.rows, in any order.
  void write(std::span<const std::uint32_t> rows, std::span<CellColumn> out);

 private:
  /// What a value was made into before, for as many values as there are places.
  struct KnownValue {
    std::uint64_t names = 0;  ///< names_number_ then
    std::uint64_t value = 0;
    CellColumn::Cell cell;
  };
  struct KnownAddress {
    IpAddress address;
    Family family = Family::none;
    bool is_known = false;
    CellColumn::Cell cell;
  };
  struct Made {
    const EntityColumn<Socket>* column = nullptr;
    std::vector<KnownValue> values;
    std::vector<KnownAddress> addresses;
  };

  void write_all(std::span<const std::uint32_t> rows, std::span<CellColumn> out, bool shows);
  void write_numbers(const Made& made, std::span<const std::uint32_t> rows, CellColumn& out,
                     bool shows) const;
  void write_values(Made& made, std::span<const std::uint32_t> rows, CellColumn& out) const;
  void write_addresses(Made& made, std::span<const std::uint32_t> rows, CellColumn& out) const;
  void write_rows(std::span<const std::uint32_t> rows, std::span<CellColumn> out) const;

  std::vector<Made> made_;
  bool takes_rows_ = false;
  std::shared_ptr<const ConnectionColumns> lives_;
  std::shared_ptr<const Snapshot> names_;  ///< what values are names in
  std::uint64_t names_number_ = 0;         ///< counts how often they became others
};

}  // namespace netrec
