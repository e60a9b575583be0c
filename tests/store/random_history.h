// A host that never was: random frames of every kind of entity, sound as a recorder would write
// them, with what a writer knows beside them. The same seed gives the same history everywhere.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "schema/delta.h"
#include "store/chunk.h"

namespace netrec {

class RandomHistory {
 public:
  explicit RandomHistory(std::uint32_t seed) : random_(seed) {}

  /// The next tick: its frame (a delta; sequence and clocks set), carried out on snapshot().
  Frame next();
  const Snapshot& snapshot() const { return snapshot_; }
  /// The rows of the sockets the last frame closed.
  const std::vector<Socket>& departed() const { return departed_; }

  /// Below `limit`.
  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
  bool one_in(std::uint64_t n) { return below(n) == 0; }

 private:
  template <class T>
  void tick_table(Delta& delta, std::uint32_t busy);
  template <class T>
  T new_row();
  std::uint64_t value_like(FieldKind kind, std::uint64_t before);
  std::uint32_t at();

  std::mt19937_64 random_;
  Snapshot snapshot_;
  std::vector<Socket> departed_;
  std::uint64_t next_id_ = 1;
  std::uint64_t sequence_ = 1;
  std::uint64_t wall_us_ = 1'700'000'000'000'000;
};

/// A run of frames, as a writer hands it to encode_chunk().
struct RandomRun {
  explicit RandomRun(RandomHistory& history, std::size_t count);
  ChunkInput input() const;

  std::vector<Frame> frames;
  std::vector<Socket> departed;
  ChunkCarry carry;
  WallTime previous_wall{};
};

}  // namespace netrec
