// The entities of one kind alive at one instant, found by key. Rows lie side by side in no promised
// order; whoever shows them sorts them.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "schema/dense_map.h"
#include "schema/field.h"

namespace netrec {

template <class T>
class Table {
 public:
  std::size_t size() const { return rows_.size(); }
  bool empty() const { return rows_.empty(); }
  auto begin() const { return rows_.begin(); }
  auto end() const { return rows_.end(); }
  const std::vector<T>& rows() const { return rows_; }

  /// The row with `key`, or nullptr. Pointers hold until the next insert or erase.
  const T* find(std::uint64_t key) const {
    const auto found = index_.find(key);
    return found == index_.end() ? nullptr : &rows_[found->second];
  }
  T* find(std::uint64_t key) { return const_cast<T*>(std::as_const(*this).find(key)); }

  /// Where `key`'s row lies in rows(), or size().
  std::size_t position(std::uint64_t key) const {
    const auto found = index_.find(key);
    return found == index_.end() ? size() : found->second;
  }
  /// Access by place, for whoever predicts it. The key must not be changed.
  T& at_position(std::size_t position) { return rows_[position]; }

  /// Adds `row`, or puts it in the place of the one with its key. Returns true if it is new.
  bool insert(T row) {
    const auto [place, is_new] =
        index_.try_emplace(key_of(row), static_cast<std::uint32_t>(rows_.size()));
    if (is_new)
      rows_.push_back(std::move(row));
    else
      rows_[place->second] = std::move(row);
    return is_new;
  }

  /// Takes `rows`, with the room they have, for its own. REQUIRES: no two have the same key.
  void adopt(std::vector<T> rows) {
    rows_ = std::move(rows);
    index_.clear();
    index_.reserve(rows_.capacity());
    for (std::size_t place = 0; place < rows_.size(); ++place)
      index_.try_emplace(key_of(rows_[place]), static_cast<std::uint32_t>(place));
  }

  /// Removes the row with `key`; false if there is none.
  bool erase(std::uint64_t key) {
    const auto found = index_.find(key);
    if (found == index_.end()) return false;
    const std::uint32_t place = found->second;
    index_.erase(found);
    if (place + 1 != rows_.size()) {
      rows_[place] = std::move(rows_.back());
      index_.find(key_of(rows_[place])).value() = place;
    }
    rows_.pop_back();
    return true;
  }

  void reserve(std::size_t count) {
    rows_.reserve(count);
    index_.reserve(count);
  }
  void clear() {
    rows_.clear();
    index_.clear();
  }

  /// Equal as sets.
  bool operator==(const Table& other) const {
    if (size() != other.size()) return false;
    for (const T& row : rows_) {
      const T* twin = other.find(key_of(row));
      if (twin == nullptr || !(*twin == row)) return false;
    }
    return true;
  }

 private:
  std::vector<T> rows_;
  DenseMap<PackedNumber, std::uint32_t> index_;
};

}  // namespace netrec
