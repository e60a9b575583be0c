// Hash tables of what there may be a hundred thousand of, fuller than the library's half: memory is
// dearer there than a probe more.
#pragma once

#include <tsl/robin_map.h>
#include <tsl/robin_set.h>

#include <cstdint>

#include "schema/key_hash.h"

namespace netrec {

/// 64 bits that lie where 32 may, so that a table of them has no padding.
class PackedNumber {
 public:
  PackedNumber() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): it is the number.
  PackedNumber(std::uint64_t number)
      : low_(static_cast<std::uint32_t>(number)), high_(static_cast<std::uint32_t>(number >> 32)) {}
  // NOLINTNEXTLINE(google-explicit-constructor)
  operator std::uint64_t() const { return std::uint64_t{high_} << 32 | low_; }

 private:
  std::uint32_t low_ = 0;
  std::uint32_t high_ = 0;
};

inline constexpr float kDenseLoad = 0.85f;

template <class Key, class Value>
struct DenseMap : tsl::robin_map<Key, Value, KeyHash> {
  DenseMap() { this->max_load_factor(kDenseLoad); }
};

template <class Key>
struct DenseSet : tsl::robin_set<Key, KeyHash> {
  DenseSet() { this->max_load_factor(kDenseLoad); }
};

}  // namespace netrec
