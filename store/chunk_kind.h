// Reads one kind of entity out of the columns of a chunk: the inverse of chunk_encoder.cc. Columns
// are unpacked when asked for; what several of them need (spans, updates) is kept.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "store/chunk.h"
#include "store/chunk_columns.h"
#include "store/chunk_updates.h"

namespace netrec {

/// What its columns say of each other is not true.
inline tl::unexpected<Error> lies(std::string_view what) {
  return failure(ErrorKind::corrupt, "a chunk contradicts itself: {}", what);
}

/// The keys of `rows` rows, of the fields they are made of.
template <class T>
Column keys_from(std::span<const std::pair<std::uint16_t, Column>> parts, std::size_t rows) {
  Column keys(rows);
  T row{};
  for (std::size_t i = 0; i < rows; ++i) {
    for (const auto& [field, values] : parts) fields_of<T>()[field].set(row, values[i]);
    keys[i] = key_of(row);
  }
  return keys;
}

/// When the lives that ended did, in frames of the chunk.
struct Closes {
  std::vector<std::uint32_t> frame;
  std::vector<std::uint32_t> at;
  Column at_us;
};

/// When each life of a kind began and ended, likewise; in the order of Updates.
struct Spans {
  static constexpr std::uint32_t kOutside = UINT32_MAX;

  std::vector<std::uint32_t> open_frame;
  std::vector<std::uint32_t> close_frame;
  std::vector<std::uint32_t> close_at;
  std::vector<CloseReason> reason;
  Column beginning_us;  ///< as the encoder's beginnings()
};

template <class T>
class ChunkKind {
 public:
  /// `columns` must outlive it.
  explicit ChunkKind(const ChunkColumns& columns)
      : columns_(&columns),
        counts_(columns.header().of(EntityTraits<T>::kind)),
        layout_(&layout_of<T>()) {}

  std::size_t rows(LifeGroup group) const;
  std::size_t lives() const { return counts_.ended + counts_.begun + counts_.ongoing; }

  Result<Column> column(LifeGroup group, std::uint16_t field);
  // chunk_cells.cc
  Result<Column> cells(LifeGroup group, std::uint16_t field, std::span<const std::uint32_t> some);
  Result<std::vector<std::uint32_t>> rows_with(LifeGroup group, std::uint16_t field,
                                               std::span<const std::uint64_t> values);
  Result<Ends> ends();  // chunk_times.cc
  Result<Samples> samples(std::uint16_t field);
  Result<TransitionColumns> transitions(LifeGroup group);
  bool has(LifeGroup group, std::uint16_t field) const;
  Result<Column> keys(LifeGroup group);
  /// The rows of `group`, whole.
  Result<std::vector<T>> whole_rows(LifeGroup group);

  /// Adds this kind's events to `frames`, one for each of the chunk.
  Status add_to(std::vector<Frame>& frames);

  /// False: there are changes of keys, which only one frame after another can tell.
  bool can_carry_out() const;
  /// Does to `table` what the frames from `begin` to before `end`, counted in the chunk, did to it
  /// together. Returns how many lives did not fit it. After an error it is half done.
  Result<std::size_t> carry_out(std::size_t begin, std::size_t end, Table<T>& table);

 private:
  struct Place {  ///< of an opened row, in the frames being rebuilt
    std::uint32_t frame = Spans::kOutside;
    std::uint32_t index = 0;
  };

  ColumnId id(Role role, std::size_t add = 0, std::uint16_t field = 0) const {
    return column_id<T>(role, add, field);
  }
  static std::size_t number(LifeGroup group) { return static_cast<std::size_t>(group); }
  std::size_t first_of(LifeGroup group) const;
  /// True: `field` is 0 in all rows of `group`, and in a row as it is made.
  bool is_zero_anyway(LifeGroup group, std::uint16_t field) const;
  /// Where the values of a field lie that are said once a tuple; nullopt: they are not.
  struct InTuple {
    ColumnId place;
    ColumnId value;
    ColumnId count;
  };
  std::optional<InTuple> in_tuple(LifeGroup group, std::uint16_t field) const;
  /// How many values it has of fields of `rows` rows; `places` says how many are in use.
  Result<std::size_t> tuples(const InTuple& tuple, std::size_t rows,
                             const std::function<std::uint64_t()>& places) const;
  /// Where some values of a field can be looked up; no `value`: only among all (chunk_cells.cc).
  struct Packed {
    const PackedColumn* value = nullptr;
    const PackedColumn* place = nullptr;  ///< of each row's tuple, if `value` is of tuples
    std::size_t tuples = 0;
    std::optional<std::uint64_t> only{};  ///< instead: what all rows have
  };
  Result<Packed> packed(LifeGroup group, std::uint16_t field);
  Result<Packed> find_packed(LifeGroup group, std::uint16_t field) const;
  /// As stored() and unchanged(), of some rows.
  Result<Column> stored_cells(LifeGroup group, std::uint16_t field,
                              std::span<const std::uint32_t> some);
  Result<Column> unchanged_cells(LifeGroup group, std::uint16_t field,
                                 std::span<const std::uint32_t> some);
  /// As ChunkColumns::numbers(), those at `places`.
  Result<Column> numbers_at(ColumnId id, std::size_t count,
                            std::span<const std::uint32_t> places) const;
  Result<Column> stored(LifeGroup group, std::uint16_t field);
  Result<Column> stored_in_tuple(LifeGroup group, const InTuple& tuple) const;
  Result<Column> stored_by_opening(std::uint16_t field);
  /// A field of the rows, as far as it does not take updates to know it.
  Result<Column> unchanged(LifeGroup group, std::uint16_t field);
  // chunk_times.cc
  /// How the ended ended: cheap. Everything else about times takes the updates too.
  Result<const Closes*> closes();
  Result<const Spans*> spans();
  Result<const Updates*> updates();
  Status load_times();
  Status read_update_columns(Updates& updates) const;
  Status read_gaps(const Closes& closes, const ChunkClock& clock, Updates& updates) const;
  Status read_ended(const Closes& closes, const Updates& updates, const ChunkClock& clock,
                    Spans& spans) const;
  Status read_begun(const ChunkClock& clock, Spans& spans) const;
  Status read_ongoing(const ChunkClock& clock, Spans& spans) const;
  Status read_times(const Spans& spans, const ChunkClock& clock, Updates& updates) const;
  /// What instants that did not change in the chunk are told against, by row.
  Result<std::span<const std::uint64_t>> anchors(LifeGroup group, std::uint16_t field);
  /// The value of each occurrence.
  Result<Column> values(std::uint16_t field, const FieldChanges& changes);
  Result<Column> number_values(std::uint16_t field, const FieldChanges& changes,
                               const Column& steps);
  Result<Column> all_keys();
  Result<std::vector<std::string>> texts(LifeGroup group) const;

  struct Earlier;
  Result<Earlier> earlier_transitions() const;
  Result<Column> initial_states(const FieldChanges& changes, const Spans& spans) const;

  Status add_opened(std::vector<Frame>& frames);
  template <class Set>
  Status for_each_opening(std::uint16_t field, const FieldChanges& changes, Set&& set);
  Status add_changed(const std::vector<FieldChanges>& changes, std::vector<Frame>& frames);
  Status add_closed(std::vector<Frame>& frames);
  Status add_irregular(std::vector<Frame>& frames) const;

  // chunk_stretch.cc
  struct Stretch;
  Result<std::size_t> find_lives(Stretch& stretch, Table<T>& table);
  Result<Column> keys_of(std::span<const std::uint32_t> lives);
  Status set_values(Stretch& stretch);
  Status set_openings(std::uint16_t field, const SomeChanges& changes, Stretch& stretch);
  Status set_changes(std::uint16_t field, const SomeChanges& changes, Stretch& stretch);
  Result<Column> last_values(std::uint16_t field, const SomeChanges& changes);
  Status set_texts(Stretch& stretch) const;

  const ChunkColumns* columns_;
  KindCounts counts_;
  const KindLayout* layout_;
  std::optional<Closes> closes_;
  std::optional<Spans> spans_;
  std::optional<Updates> updates_;
  std::vector<std::uint32_t> order_;  ///< of the ended, by opening; empty until asked for
  std::optional<Column> anchors_;     ///< of the ended
  std::map<std::pair<LifeGroup, std::uint16_t>, Packed> packed_;
};

}  // namespace netrec
