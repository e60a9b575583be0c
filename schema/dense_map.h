// Hash tables of what there may be a hundred thousand of, fuller than the library's half: memory is
// dearer there than a probe more.
#pragma once

#include <tsl/robin_map.h>
#include <tsl/robin_set.h>

#include "schema/key_hash.h"

namespace netrec {

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
