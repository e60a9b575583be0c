// frames (a row a frame) and samples (a row each time the values of a socket, an interface or a
// counter changed): the log itself.
#include <algorithm>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "store/entity_columns.h"
#include "store/frame_walk.h"
#include "store/ordered_frames.h"
#include "store/tables.h"

namespace netrec {

namespace {

std::uint64_t micros(WallTime time) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, time.time_since_epoch().count()));
}

Result<FrameRange> range_of(TableContext& context, const Request& request,
                            std::span<const SqlColumn> columns) {
  FrameRange range;
  range.narrow_to(request.frames);
  for (const Constraint& constraint : request.constraints) {
    const std::string& name = columns[static_cast<std::size_t>(constraint.column)].name;
    if (name == "sequence") range.narrow_sequence(constraint);
    // Text is compared as text by SQLite and never equals a number: no hint.
    if (name == "at_us" && std::holds_alternative<std::int64_t>(constraint.values.front()))
      NETREC_CHECKED(range.narrow_time(context, constraint));
  }
  return range;
}

double range_selectivity(std::string_view column, Comparison comparison) {
  if ((column != "at_us" && column != "sequence") || comparison == Comparison::inside) return 1;
  return comparison == Comparison::equal ? 0.0001 : 0.3;
}

// The first two columns of each table are the frame's sequence and time: what it can be ordered by.

/// True if the frames must come otherwise than they lie.
bool is_reordered(const Request& request) {
  return request.order && (request.order->column != 0 || request.order->descending);
}

// --- frames -------------------------------------------------------------------------------------

struct FrameColumn {
  const char* name;
  const char* type;
  const char* about;
  void (*emit)(CellSink& out, const FrameCursor& cursor);
};

constexpr FrameColumn kFrameColumns[] = {
    {"sequence", "INTEGER", "Counts the frames of the file, from 1",
     [](CellSink& out, const FrameCursor& c) { out.number(c.frame().sequence); }},
    {"at_us", "INTEGER", "Wall clock of the tick",
     [](CellSink& out, const FrameCursor& c) { out.number(micros(c.frame().wall)); }},
    {"boot_us", "INTEGER", "Microseconds since boot, sleep included",
     [](CellSink& out, const FrameCursor& c) {
       out.number(static_cast<std::uint64_t>(std::max<std::int64_t>(0, c.frame().boot.count())));
     }},
    {"kind", "TEXT", "delta: what happened since the frame before; keyframe: all there is",
     [](CellSink& out, const FrameCursor& c) {
       out.text(c.frame().kind == FrameKind::delta ? "delta" : "keyframe");
     }},
    {"begins_session", "INTEGER", "1: the recorder started here",
     [](CellSink& out, const FrameCursor& c) { out.number(c.begins_session() ? 1 : 0); }},
    {"sockets", "INTEGER", "Sockets there after it",
     [](CellSink& out, const FrameCursor& c) { out.number(c.snapshot().of<Socket>().size()); }},
    {"opened", "INTEGER", "Sockets that opened (keyframe: 0)",
     [](CellSink& out, const FrameCursor& c) {
       const bool news = c.frame().kind == FrameKind::delta;
       out.number(news ? c.frame().delta.of<Socket>().opened.size() : 0);
     }},
    {"changes", "INTEGER", "Values of sockets that changed",
     [](CellSink& out, const FrameCursor& c) {
       out.number(c.frame().delta.of<Socket>().changed.size());
     }},
    {"closed", "INTEGER", "Sockets that closed",
     [](CellSink& out, const FrameCursor& c) {
       out.number(c.frame().delta.of<Socket>().closed.size());
     }},
};

std::span<const SqlColumn> frame_columns() {
  static const std::vector<SqlColumn> columns = [] {
    std::vector<SqlColumn> all;
    for (const FrameColumn& column : kFrameColumns)
      all.push_back({column.name, column.type, column.about});
    return all;
  }();
  return columns;
}

class FrameRows final : public RowSource {
 public:
  explicit FrameRows(FrameWalk walk) : walk_(std::move(walk)) {}
  Result<bool> next() override { return walk_.next(); }
  void cell(int column, CellSink& out) const override {
    kFrameColumns[column].emit(out, walk_.cursor());
  }
  bool is_in_doubt() const override { return walk_.is_in_doubt(); }

 private:
  FrameWalk walk_;
};

class FramesTable final : public VirtualTable {
 public:
  std::string_view name() const override { return "frames"; }
  std::string_view about() const override { return "The ticks of the recording"; }
  std::span<const SqlColumn> columns() const override { return frame_columns(); }
  std::span<const std::string_view> identity() const override {
    static constexpr std::string_view kColumns[] = {"sequence"};
    return kColumns;
  }
  double selectivity(int column, Comparison comparison) const override {
    return range_selectivity(kFrameColumns[column].name, comparison);
  }
  bool gives_order(TableContext&, const RowOrder& order,
                   std::span<const Constraint>) const override {
    return order.column < 2;
  }
  Result<std::unique_ptr<RowSource>> rows(TableContext& context,
                                          const Request& request) const override {
    NETREC_TRY(range, range_of(context, request, frame_columns()));
    if (is_reordered(request))
      return rows_in_order(context, *this, request, range, request.order->column == 0);
    NETREC_TRY(walk, FrameWalk::open(context, range));
    return std::make_unique<FrameRows>(std::move(walk));
  }
};

// --- samples ------------------------------------------------------------------------------------

template <class T>
const EntityColumns<T>& sample_columns() {
  static const EntityColumns<T> columns = [] {
    EntityColumn<T> sequence;
    sequence.column = {"sequence", "INTEGER", "The frame that brought the values", false};
    sequence.emit = [](CellSink& out, const EntityRow<T>& row, std::uint16_t) {
      out.number(row.sequence);
    };
    EntityColumn<T> at;
    at.column = {"at_us", "INTEGER", "Its time", false};
    at.emit = [](CellSink& out, const EntityRow<T>& row, std::uint16_t) { out.number(row.at_us); };
    std::vector<EntityColumn<T>> all = {std::move(sequence), std::move(at)};
    for (auto& column : columns_of_entity<T>()) all.push_back(std::move(column));
    return EntityColumns<T>(std::move(all));
  }();
  return columns;
}

/// What a frame brought new values of, one after another.
template <class T>
class SampleRows final : public RowSource {
 public:
  SampleRows(FrameWalk walk, std::optional<std::uint64_t> key)
      : walk_(std::move(walk)), key_(key) {}

  Result<bool> next() override {
    ++place_;
    while (place_ >= fresh_.size()) {
      NETREC_TRY(more, walk_.next());
      if (!more) return false;
      gather();
      place_ = 0;
    }
    return true;
  }
  void cell(int column, CellSink& out) const override {
    const Frame& frame = walk_.cursor().frame();
    sample_columns<T>().emit(column, out,
                             {.entity = fresh_[place_],
                              .names = &walk_.cursor().snapshot(),
                              .at_us = micros(frame.wall),
                              .sequence = frame.sequence});
  }
  bool is_in_doubt() const override { return walk_.is_in_doubt(); }

 private:
  void gather() {
    fresh_.clear();
    const FrameCursor& cursor = walk_.cursor();
    const auto& changes = cursor.frame().delta.of<T>();
    const auto add = [&](const T* row) {
      if (row == nullptr || (key_ && key_of(*row) != *key_)) return;
      if (fresh_.empty() || key_of(*fresh_.back()) != key_of(*row)) fresh_.push_back(row);
    };
    const auto& alive = cursor.snapshot().of<T>();
    if (cursor.begins_session())
      for (const T& row : alive) add(&row);
    for (const T& row : changes.opened) add(alive.find(key_of(row)));
    for (const Change& change : changes.changed) add(alive.find(change.key));
    if constexpr (std::is_same_v<T, Socket>)
      for (const Socket& socket : cursor.departed()) add(&socket);
    std::sort(fresh_.begin(), fresh_.end(),
              [](const T* a, const T* b) { return key_of(*a) < key_of(*b); });
    fresh_.erase(std::unique(fresh_.begin(), fresh_.end()), fresh_.end());
  }

  FrameWalk walk_;
  std::optional<std::uint64_t> key_;
  std::vector<const T*> fresh_;
  std::size_t place_ = 0;
};

template <class T>
class SamplesTable final : public VirtualTable {
 public:
  SamplesTable(std::string_view name, std::string_view about) : name_(name), about_(about) {}
  std::string_view name() const override { return name_; }
  std::string_view about() const override { return about_; }
  std::span<const SqlColumn> columns() const override { return sample_columns<T>().described(); }
  std::span<const std::string_view> identity() const override {
    static const std::vector<std::string_view> columns = key_columns_and<T>("sequence");
    return columns;
  }
  double rows_estimate() const override { return 1e7; }
  double selectivity(int column, Comparison comparison) const override {
    const std::string_view column_name = sample_columns<T>().name_of(column);
    if (column_name == "cookie") return comparison == Comparison::equal ? 0.001 : 1;
    return range_selectivity(column_name, comparison);
  }
  bool gives_order(TableContext&, const RowOrder& order,
                   std::span<const Constraint>) const override {
    return order.column < 2;
  }
  Result<std::unique_ptr<RowSource>> rows(TableContext& context,
                                          const Request& request) const override {
    NETREC_TRY(range, range_of(context, request, columns()));
    if (is_reordered(request))
      return rows_in_order(context, *this, request, range, request.order->column == 0);
    std::optional<std::uint64_t> cookie;
    for (const Constraint& constraint : request.constraints)
      if (sample_columns<T>().name_of(constraint.column) == "cookie" &&
          constraint.values.size() == 1)
        if (const auto* number = std::get_if<std::int64_t>(&constraint.values.front()))
          cookie = static_cast<std::uint64_t>(*number);
    NETREC_TRY(walk, FrameWalk::open(context, range));
    return std::make_unique<SampleRows<T>>(std::move(walk), cookie);
  }

 private:
  std::string_view name_;
  std::string_view about_;
};

}  // namespace

const VirtualTable& frames_table() {
  static const FramesTable table;
  return table;
}

const VirtualTable& samples_table() {
  static const SamplesTable<Socket> table(
      "samples", "The values of a socket each time they changed: counters over time");
  return table;
}

const VirtualTable& interface_samples_table() {
  static const SamplesTable<Interface> table("interface_samples",
                                             "The values of an interface each time they changed");
  return table;
}

const VirtualTable& counter_samples_table() {
  static const SamplesTable<Counter> table("counter_samples",
                                           "The value of a protocol counter each time it changed");
  return table;
}

}  // namespace netrec
