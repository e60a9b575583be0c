#include "store/ordered_frames.h"

#include <algorithm>
#include <utility>

namespace netrec {

namespace {

/// Frames of the first piece that is read backwards; each after it has twice as many.
constexpr std::uint64_t kFirstPiece = 16;
constexpr std::uint64_t kLargestPiece = 1 << 14;

/// Cells of a piece, unless it is one frame: 32 MB.
constexpr std::size_t kMostCells = 1 << 21;

class OrderedFrames final : public RowSource {
 public:
  OrderedFrames(TableContext& context, const VirtualTable& table, const Request& request)
      : context_(context), table_(table), request_(request), descends_(request.order->descending) {
    request_.order.reset();
    const std::size_t columns = table.columns().size();
    places_.assign(columns, -1);
    for (std::size_t i = 0; i < columns; ++i)
      if (request_.uses(static_cast<int>(i))) {
        places_[i] = static_cast<int>(used_.size());
        used_.push_back(static_cast<int>(i));
      }
  }
  ~OrderedFrames() override { tell_damage(); }
  OrderedFrames(const OrderedFrames&) = delete;
  OrderedFrames& operator=(const OrderedFrames&) = delete;

  /// Takes these frames, and those of the order after them.
  Status open(const FrameRange& range, bool by_sequence) {
    NETREC_TRY(timeline, context_.lease());
    timeline_ = std::move(timeline);
    const TimelineSummary& summary = timeline_->summary();
    if (summary.first_sequence == 0) return {};
    if (by_sequence) {
      left_ = {.first = std::max(range.first_sequence, summary.first_sequence),
               .last = std::min(range.last_sequence, summary.last_sequence)};
      return {};
    }
    NETREC_TRY(order, FrameOrder::open(*timeline_, range, descends_));
    order_.emplace(std::move(order));
    return {};
  }

  Result<bool> next() override {
    for (;;) {
      if (descends_ && row_ > 0) {
        --row_;
        return true;
      }
      if (!descends_ && source_) {
        NETREC_TRY(more, source_->next());
        if (more) return true;
      }
      if (context_.interrupted()) return failure(ErrorKind::busy, "interrupted");
      NETREC_TRY(more, find_frames());
      if (!more) return false;
      if (descends_)
        NETREC_CHECKED(read_piece());
      else
        NETREC_CHECKED(read_run());
    }
  }

  void cell(int column, CellSink& out) const override {
    if (!descends_) return source_->cell(column, out);
    const int place = places_[static_cast<std::size_t>(column)];
    if (place < 0) return out.null();
    rows_.columns[static_cast<std::size_t>(place)].write(row_, out);
  }
  bool is_in_doubt() const override {
    return is_in_doubt_ || (source_ && source_->is_in_doubt()) ||
           (order_ && !order_->damage().empty());
  }

 private:
  /// False: there are none left.
  Result<bool> find_frames() {
    while (left_.first > left_.last) {
      if (!order_) return false;
      NETREC_TRY(run, order_->next());
      if (!run) return false;
      left_ = *run;
    }
    return true;
  }

  Result<std::unique_ptr<RowSource>> rows_of(const FrameRun& run) {
    Request request = request_;
    request.frames = run;
    return table_.rows(context_, request);
  }

  Status read_run() {
    NETREC_TRY(source, rows_of(left_));
    source_ = std::move(source);
    left_ = {.first = 1, .last = 0};
    return {};
  }

  /// The end of what is left, as far as it can be held.
  Status read_piece() {
    for (;;) {
      const std::uint64_t frames = std::min(piece_, left_.last - left_.first + 1);
      const FrameRun piece{.first = left_.last - frames + 1, .last = left_.last};
      NETREC_TRY(fits, read(piece));
      if (fits) {
        left_.last = piece.first - 1;
        row_ = rows_.rows;
        if (frames == piece_) piece_ = std::min(2 * piece_, kLargestPiece);
        return {};
      }
      piece_ = std::max<std::uint64_t>(1, frames / 2);
    }
  }

  /// False: these are too many rows, and more than one frame's.
  Result<bool> read(const FrameRun& piece) {
    rows_ = {};
    rows_.columns.assign(used_.size(), CellColumn());
    NETREC_TRY(source, rows_of(piece));
    for (;;) {
      NETREC_TRY(more, source->next());
      is_in_doubt_ = is_in_doubt_ || source->is_in_doubt();
      if (!more) return true;
      for (std::size_t i = 0; i < used_.size(); ++i) source->cell(used_[i], rows_.columns[i]);
      ++rows_.rows;
      if (piece.first < piece.last && rows_.rows * used_.size() > kMostCells) return false;
    }
  }

  void tell_damage() {
    if (order_) context_.add_damage(order_->damage());
  }

  TableContext& context_;
  const VirtualTable& table_;
  Request request_;
  const bool descends_;
  std::vector<int> used_;
  std::vector<int> places_;
  TableContext::Lease timeline_;
  std::optional<FrameOrder> order_;
  FrameRun left_{.first = 1, .last = 0};  ///< of the run that is being read
  std::unique_ptr<RowSource> source_;     ///< ascending: its rows
  CellBatch rows_;                        ///< descending: those of a piece
  std::size_t row_ = 0;
  std::uint64_t piece_ = kFirstPiece;
  bool is_in_doubt_ = false;  ///< damage was met in a piece
};

}  // namespace

Result<std::unique_ptr<RowSource>> rows_in_order(TableContext& context, const VirtualTable& table,
                                                 const Request& request, const FrameRange& range,
                                                 bool by_sequence) {
  auto rows = std::make_unique<OrderedFrames>(context, table, request);
  NETREC_CHECKED(rows->open(range, by_sequence));
  return rows;
}

}  // namespace netrec
