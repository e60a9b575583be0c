// The first half of sealing: the events of a run of frames, sorted by the entity they happened to.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "store/chunk.h"
#include "store/chunk_clock.h"
#include "store/chunk_updates.h"

namespace netrec {

/// One life, as far as it lay in the run.
template <class T>
struct Life {
  static constexpr std::uint32_t kOutside = UINT32_MAX;

  std::uint64_t key = 0;
  const T* origin = nullptr;  ///< its row when it opened, or (opened before) as last seen
  std::uint32_t open_frame = kOutside;
  std::uint32_t close_frame = kOutside;
  std::uint32_t close_at = 0;
  CloseReason reason = CloseReason::gone;

  bool opened_here() const { return open_frame != kOutside; }
  bool closed_here() const { return close_frame != kOutside; }
  LifeGroup group() const {
    if (origin == nullptr) return LifeGroup::ongoing;
    return closed_here() ? LifeGroup::ended : LifeGroup::begun;
  }
};

template <class T>
struct Lives {
  std::vector<Life<T>> lives;  ///< ended, begun, ongoing, each in its order (LifeGroup)
  KindCounts counts;
  Updates updates;
  std::vector<std::uint64_t> values;  ///< by Occurrence::change
  std::string irregular;              ///< changes of keys: frame key value at field, all varints

  std::span<const Life<T>> of(LifeGroup group) const;
};

/// Errors: invalid_argument (more than a chunk may hold). The result points into `input`.
template <class T>
Result<Lives<T>> collect_lives(const ChunkInput& input, const ChunkClock& clock);

}  // namespace netrec
