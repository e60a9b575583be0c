// sockets, interfaces and counters: the state of the host at an instant, or at several.
//
//   WHERE at = '-2h'                               the state then
//   WHERE at BETWEEN 'yesterday' AND 'end'         after each frame of that time
//   … AND step = 60                                at its beginning and every 60 seconds on
//   nothing                                        the last state
//
// Several instants reach the same frame without reading it twice.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
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

template <class T>
const EntityColumns<T>& instant_columns() {
  static const EntityColumns<T> columns = [] {
    std::vector<EntityColumn<T>> all = columns_of_entity<T>();
    const auto argument = [&](std::string name, std::string type, std::string about) {
      EntityColumn<T> column;
      column.column = {std::move(name), std::move(type), std::move(about), true};
      column.emit = [](CellSink& out, const EntityRow<T>& row, std::uint16_t) {
        out.number(row.at_us);
      };
      all.push_back(std::move(column));
    };
    argument("at", "INTEGER", "The instant: microseconds since 1970, or text as -f's times");
    argument("step", "REAL", "With a range of `at`: seconds from one instant to the next");
    all.back().emit = [](CellSink& out, const EntityRow<T>&, std::uint16_t) { out.null(); };
    return EntityColumns<T>(std::move(all));
  }();
  return columns;
}

/// The instants asked for.
struct Instants {
  FrameRange range;
  std::optional<WallTime> at;                     ///< one
  std::optional<std::chrono::microseconds> step;  ///< or one every so often
  bool is_range = false;                          ///< or each frame
};

Result<std::chrono::microseconds> step_of(const SqlCell& value) {
  double seconds = 0;
  if (const auto* whole = std::get_if<std::int64_t>(&value)) seconds = static_cast<double>(*whole);
  if (const auto* real = std::get_if<double>(&value)) seconds = *real;
  // A step of nothing would never end; one of ten years always does.
  if (!(seconds >= 0.001 && seconds <= 3.2e8))
    return failure(ErrorKind::invalid_argument,
                   "step is a number of seconds, at least a thousandth of one");
  return std::chrono::microseconds(static_cast<std::int64_t>(seconds * 1e6));
}

template <class T>
Result<Instants> instants_of(TableContext& context, const Request& request) {
  Instants instants;
  instants.range.narrow_to(request.frames);
  for (const Constraint& constraint : request.constraints) {
    const SqlCell& value = constraint.values.front();
    if (instant_columns<T>().name_of(constraint.column) == "step") {
      NETREC_TRY(step, step_of(value));
      instants.step = step;
    } else if (constraint.comparison == Comparison::equal) {
      NETREC_TRY(at, context.time(value));
      instants.at = at;
    } else {
      NETREC_CHECKED(instants.range.narrow_time(context, constraint));
      instants.is_range = true;
    }
  }
  return instants;
}

/// A file may claim to span an age, and a step to be short: nobody waits for so many instants.
constexpr std::int64_t kMostInstants = 4'000'000;

/// Moves a cursor from one instant to the next.
class InstantWalk {
 public:
  static Result<InstantWalk> open(TableContext& context, const Instants& instants) {
    NETREC_TRY(walk, FrameWalk::open(context, instants.range));
    NETREC_TRY(timeline, context.lease());
    return InstantWalk(context, instants, std::move(walk), std::move(timeline));
  }
  InstantWalk(InstantWalk&&) noexcept = default;
  InstantWalk& operator=(InstantWalk&&) = delete;
  ~InstantWalk() {
    if (timeline_) context_->add_damage(cursor_.damage());
  }

  Result<bool> next() {
    if (instants_.is_range && !instants_.step) {
      NETREC_TRY(more, walk_.next());
      if (more) at_ = walk_.cursor().frame().wall;
      return more;
    }
    if (instants_.is_range) return next_step();
    if (std::exchange(started_, true)) return false;
    return go_to(instants_.at.value_or(timeline_->summary().last_wall));
  }
  const Snapshot& snapshot() const {
    return instants_.is_range && !instants_.step ? walk_.cursor().snapshot() : cursor_.snapshot();
  }
  WallTime at() const { return at_; }
  bool is_in_doubt() const { return walk_.is_in_doubt() || !cursor_.damage().empty(); }

 private:
  InstantWalk(TableContext& context, const Instants& instants, FrameWalk walk,
              TableContext::Lease timeline)
      : context_(&context),
        instants_(instants),
        walk_(std::move(walk)),
        timeline_(std::move(timeline)),
        cursor_(timeline_->cursor()) {}

  Result<bool> next_step() {
    const TimelineSummary& summary = timeline_->summary();
    const WallTime last = std::min(instants_.range.to, summary.last_wall);
    if (std::exchange(started_, true))
      at_ += *instants_.step;
    else
      at_ = std::max(instants_.range.from, summary.first_wall);
    if (at_ <= last && (last - at_) / *instants_.step > kMostInstants)
      return failure(ErrorKind::invalid_argument,
                     "more than {} instants: ask for a longer step or a shorter range",
                     kMostInstants);
    for (; at_ <= last; at_ += *instants_.step) {
      NETREC_TRY(there, go_to(at_));
      if (there) return true;
    }
    return false;
  }

  // False if the timeline begins later.
  Result<bool> go_to(WallTime time) {
    if (context_->interrupted()) return failure(ErrorKind::busy, "interrupted");
    at_ = time;
    if (timeline_->summary().first_sequence == 0) return false;
    const Status moved = cursor_.seek(time, Landing::state);
    if (moved) return true;
    if (moved.error().kind == ErrorKind::not_found) return false;
    return tl::unexpected<Error>(moved.error());
  }

  TableContext* context_;
  Instants instants_;
  FrameWalk walk_;
  TableContext::Lease timeline_;
  FrameCursor cursor_;
  WallTime at_{};
  bool started_ = false;
};

template <class T>
class InstantRows final : public RowSource {
 public:
  explicit InstantRows(InstantWalk walk) : walk_(std::move(walk)) {}

  Result<bool> next() override {
    ++place_;
    while (!there_ || place_ >= walk_.snapshot().of<T>().size()) {
      NETREC_TRY(more, walk_.next());
      if (!more) return false;
      there_ = true;
      place_ = 0;
    }
    return true;
  }
  void cell(int column, CellSink& out) const override {
    const Snapshot& snapshot = walk_.snapshot();
    instant_columns<T>().emit(column, out,
                              {.entity = &snapshot.of<T>().rows()[place_],
                               .names = &snapshot,
                               .at_us = micros(walk_.at())});
  }
  bool is_in_doubt() const override { return walk_.is_in_doubt(); }

 private:
  InstantWalk walk_;
  std::size_t place_ = 0;
  bool there_ = false;
};

template <class T>
class InstantTable final : public VirtualTable {
 public:
  InstantTable(std::string_view name, std::string_view about) : name_(name), about_(about) {}
  std::string_view name() const override { return name_; }
  std::string_view about() const override { return about_; }
  std::span<const SqlColumn> columns() const override { return instant_columns<T>().described(); }
  std::span<const std::string_view> identity() const override {
    static const std::vector<std::string_view> columns = key_columns_and<T>("at");
    return columns;
  }
  double rows_estimate() const override { return 1e6; }
  double selectivity(int column, Comparison comparison) const override {
    const std::string_view column_name = instant_columns<T>().name_of(column);
    if (column_name == "step") return comparison == Comparison::equal ? 0.1 : 1;
    if (column_name != "at" || comparison == Comparison::inside) return 1;
    return comparison == Comparison::equal ? 0.001 : 0.3;
  }
  // At one instant all rows are equal; with a step they come forwards.
  bool gives_order(TableContext&, const RowOrder& order,
                   std::span<const Constraint> constraints) const override {
    if (instant_columns<T>().name_of(order.column) != "at") return false;
    return !order.descending || !has_step(constraints);
  }
  Result<std::unique_ptr<RowSource>> rows(TableContext& context,
                                          const Request& request) const override {
    NETREC_TRY(instants, instants_of<T>(context, request));
    if (request.order && instants.is_range && !instants.step)
      return rows_in_order(context, *this, request, instants.range, false);
    NETREC_TRY(walk, InstantWalk::open(context, std::move(instants)));
    return std::make_unique<InstantRows<T>>(std::move(walk));
  }

 private:
  static bool has_step(std::span<const Constraint> constraints) {
    return std::any_of(constraints.begin(), constraints.end(), [](const Constraint& constraint) {
      return instant_columns<T>().name_of(constraint.column) == "step";
    });
  }

  std::string_view name_;
  std::string_view about_;
};

}  // namespace

const VirtualTable& sockets_table() {
  static const InstantTable<Socket> table("sockets",
                                          "All sockets at an instant (hidden columns: at, step)");
  return table;
}

const VirtualTable& interfaces_table() {
  static const InstantTable<Interface> table(
      "interfaces", "The interfaces and their counters at an instant (hidden columns: at, step)");
  return table;
}

const VirtualTable& counters_table() {
  static const InstantTable<Counter> table(
      "counters", "The protocol counters at an instant (hidden columns: at, step)");
  return table;
}

}  // namespace netrec
