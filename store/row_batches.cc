#include "store/row_batches.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "schema/utf8.h"

namespace netrec {

namespace {

// LIMIT 1 must not wait for hundreds of rows nobody wants: batches are small while SQLite waits.
constexpr std::size_t kSmallestBatch = 16;
// Handing over wakes a thread, on another core (a scan of one column took a quarter less than with
// 1024 rows); what is longer does not stay in its cache.
constexpr std::size_t kLargestBatch = 4096;
constexpr std::size_t kMostCells = 1 << 16;
// Who is ahead is woken when there is room for some, not for each: a wake-up costs what some
// hundred rows do.
constexpr std::size_t kBatchesAhead = 8;
constexpr std::size_t kBatchesLeft = 3;
constexpr std::chrono::milliseconds kLookForInterrupt{50};
constexpr std::chrono::milliseconds kPatience{2};

}  // namespace

void CellColumn::make_cells() {
  const NumberCells bare = numbers();
  cells_.resize(count_);
  for (std::size_t i = 0; i < count_; ++i) {
    cells_[i].number = bare[i];
    cells_[i].kind = zero_is_null_ && bare[i] == 0 ? Kind::null : Kind::number;
  }
  count_ = 0;
  shown_ = {};
  own_numbers_.clear();
}

void CellColumn::number(std::uint64_t value) {
  Cell& cell = new_cell();
  cell.kind = Kind::number;
  cell.number = sql_number(value);
}

void CellColumn::identifier(std::uint64_t bits) {
  Cell& cell = new_cell();
  cell.kind = Kind::identifier;
  cell.number = static_cast<std::int64_t>(bits);
}

void CellColumn::add_numbers(std::span<const std::uint64_t> values,
                             std::span<const std::uint32_t> rows, bool zero_is_null) {
  if (!cells_.empty() || (count_ > 0 && zero_is_null != zero_is_null_)) {
    for (const std::uint32_t row : rows)
      zero_is_null ? number_or_null(values[row]) : number(values[row]);
    return;
  }
  if (shown_.keeper != nullptr) {
    const Shown shown = std::exchange(shown_, {});
    count_ = 0;
    add_numbers(shown.values, shown.rows, zero_is_null);
  }
  zero_is_null_ = zero_is_null;
  own_numbers_.resize(count_ + rows.size());
  std::uint64_t* out = own_numbers_.data() + count_;
  for (const std::uint32_t row : rows) *out++ = values[row];
  count_ += rows.size();
}

void CellColumn::show_numbers(std::shared_ptr<const void> keeper,
                              std::span<const std::uint64_t> values,
                              std::span<const std::uint32_t> rows, bool zero_is_null) {
  if (rows.empty() || count_ > 0 || !cells_.empty()) return add_numbers(values, rows, zero_is_null);
  shown_ = {.keeper = std::move(keeper), .values = values, .rows = rows};
  zero_is_null_ = zero_is_null;
  count_ = rows.size();
}

NumberCells CellColumn::numbers() const {
  if (count_ == 0) return {};
  const bool are_shown = shown_.keeper != nullptr;
  return {.values = are_shown ? shown_.values.data() : own_numbers_.data(),
          .rows = are_shown ? shown_.rows.data() : nullptr,
          .zero_is_null = zero_is_null_};
}

void CellColumn::real(double value) {
  Cell& cell = new_cell();
  cell.kind = Kind::real;
  cell.real = value;
}

void CellColumn::text(std::string_view bytes) {
  if (!is_plain_utf8(bytes)) return text(to_plain_utf8(bytes));
  if (arena_ != nullptr)
    if (const auto kept = arena_->keep(bytes)) return kept_text(*kept);
  const std::string& own = own_.emplace_back(bytes);
  Cell& cell = new_cell();
  cell.kind = Kind::text;
  cell.text = own.data();
  cell.size = static_cast<std::uint32_t>(own.size());
}

void CellColumn::kept_text(std::string_view bytes) {
  Cell& cell = new_cell();
  cell.kind = Kind::kept_text;
  cell.text = bytes.data();
  cell.size = static_cast<std::uint32_t>(bytes.size());
}

void CellColumn::write(std::size_t index, CellSink& out) const {
  if (count_ > 0) {
    const auto value = static_cast<std::uint64_t>(numbers()[index]);
    return zero_is_null_ ? out.number_or_null(value) : out.number(value);
  }
  const Cell& cell = cells_[index];
  switch (cell.kind) {
    case Kind::null:
      return out.null();
    case Kind::number:
      return out.number(static_cast<std::uint64_t>(cell.number));
    case Kind::identifier:
      return out.identifier(static_cast<std::uint64_t>(cell.number));
    case Kind::real:
      return out.real(cell.real);
    case Kind::text:
      return out.text({cell.text, cell.size});
    case Kind::kept_text:
      return out.kept_text({cell.text, cell.size});
  }
}

void CellBatch::show_numbers(const std::vector<int>& places,
                             std::vector<NumberCells>& numbers) const {
  numbers.assign(places.size(), {});
  for (std::size_t i = 0; i < places.size(); ++i)
    if (places[i] >= 0) numbers[i] = columns[static_cast<std::size_t>(places[i])].numbers();
}

namespace {

/// The place of each column among those in use; -1: it is not.
std::vector<int> places_of(const Request& request, std::size_t columns) {
  std::vector<int> places(columns, -1);
  int used = 0;
  for (std::size_t i = 0; i < columns; ++i)
    if (request.uses(static_cast<int>(i))) places[i] = used++;
  return places;
}

void write_cell(const CellBatch& batch, int place, std::size_t row, CellSink& out) {
  if (place < 0) return out.null();
  batch.columns[static_cast<std::size_t>(place)].write(row, out);
}

/// Rows that were scanned before.
class KnownRows final : public RowSource {
 public:
  KnownRows(std::shared_ptr<const CellBatches> batches, std::vector<int> places)
      : batches_(std::move(batches)), places_(std::move(places)) {}

  Result<bool> next() override {
    if (step()) return true;
    row_ = rows_ = 0;
    while (rows_ == 0 && next_ < batches_->size()) rows_ = (*batches_)[next_++]->rows;
    if (rows_ == 0) return false;
    (*batches_)[next_ - 1]->show_numbers(places_, numbers_);
    return true;
  }
  void cell(int column, CellSink& out) const override {
    write_cell(*(*batches_)[next_ - 1], places_[static_cast<std::size_t>(column)], row_, out);
  }

 private:
  std::shared_ptr<const CellBatches> batches_;
  std::vector<int> places_;
  std::size_t next_ = 0;  ///< batch
};

}  // namespace

std::unique_ptr<RowSource> scanned_rows(TableContext& context, std::string_view table,
                                        const Request& request, std::size_t columns,
                                        const Timeline& timeline, RowBatches::Scan scan) {
  RowBatches::Question question{.text = question_of(table, request), .version = timeline.version()};
  if (!question.text.empty())
    if (auto known = context.answers().find(question.text, question.version))
      return std::make_unique<KnownRows>(std::move(known), places_of(request, columns));
  return std::make_unique<RowBatches>(context, request, columns, std::move(scan),
                                      std::move(question));
}

RowBatches::RowBatches(TableContext& context, const Request& request, std::size_t columns,
                       Scan scan, Question question)
    : context_(context),
      scan_(std::move(scan)),
      place_(places_of(request, columns)),
      arena_(context.lease_arena()),
      question_(std::move(question)) {
  for (std::size_t i = 0; i < columns; ++i)
    if (place_[i] >= 0) used_.push_back(static_cast<int>(i));
  largest_ = std::min(kLargestBatch, kMostCells / std::max<std::size_t>(used_.size(), 1));
  step_ = std::min(kSmallestBatch, largest_);
  filling_ = empty_batch();
  thread_ = std::thread([this] { run(); });
}

RowBatches::~RowBatches() {
  {
    const std::lock_guard lock(mutex_);
    unwanted_ = true;
  }
  changed_.notify_all();
  thread_.join();
  // Of rows in order, those that were taken may be the wrong ones.
  if (outcome_)
    context_.add_damage(std::span(*outcome_).first(std::min(damage_, outcome_->size())));
  context_.give_back(arena_);
}

CellBatch RowBatches::empty_batch() const {
  CellBatch batch;
  batch.columns.assign(used_.size(), CellColumn(arena_.get()));
  return batch;
}

void RowBatches::run() {
  auto outcome = scan_(Offer(*this));
  if (filling_.rows > 0) hand_over(true);
  const std::lock_guard lock(mutex_);
  outcome_ = std::move(outcome);
  finished_ = true;
  changed_.notify_all();
}

void RowBatches::damage_met(std::size_t damage) {
  if (damage == filling_.damage) return;
  if (filling_.rows > 0) hand_over(true);
  filling_.damage = damage;
}

bool RowBatches::offer(const CellWriter& write) {
  for (std::size_t i = 0; i < used_.size(); ++i) write(used_[i], filling_.columns[i]);
  ++filling_.rows;
  return filling_.rows % kSmallestBatch != 0 || hand_over(false);
}

bool RowBatches::offer(std::size_t rows, const ColumnWriter& write) {
  for (std::size_t first = 0; first < rows;) {
    const std::size_t last = std::min(first + step_, rows);
    step_ = std::min(4 * step_, largest_);
    write(first, last, filling_.columns);
    filling_.rows += last - first;
    if (!hand_over(false)) return false;
    if (context_.interrupted()) return false;
    first = last;
  }
  return true;
}

bool RowBatches::hand_over(bool anyway) {
  std::unique_lock lock(mutex_);
  // While SQLite is behind, batches grow; they wait only when they are large.
  if (!anyway && filling_.rows < largest_ && !ready_.empty() && !unwanted_) return true;
  if (ready_.size() >= kBatchesAhead)
    changed_.wait(lock, [&] { return unwanted_ || ready_.size() <= kBatchesLeft; });
  if (unwanted_) return false;
  CellBatch next = empty_batch();
  next.damage = filling_.damage;
  ready_.push_back(std::make_shared<const CellBatch>(std::exchange(filling_, std::move(next))));
  const bool is_time = is_patient_ ? ready_.size() == kBatchesAhead : ready_.size() == 1;
  lock.unlock();
  if (is_time) changed_.notify_all();
  return true;
}

Result<bool> RowBatches::fetch() {
  std::unique_lock lock(mutex_);
  const auto something = [&] { return finished_ || !ready_.empty(); };
  if (has_fetched_ && !something()) {
    // Who took the first rows and wants more gets a needle's rows of some chunks together.
    is_patient_ = true;
    changed_.wait_for(lock, kPatience, [&] { return finished_ || ready_.size() >= kBatchesAhead; });
    is_patient_ = false;
  }
  has_fetched_ = true;
  while (!changed_.wait_for(lock, kLookForInterrupt, something))
    if (context_.interrupted()) return failure(ErrorKind::busy, "interrupted");
  if (!ready_.empty()) {
    current_ = std::move(ready_.front());
    ready_.pop_front();
    const bool is_time = ready_.size() == kBatchesLeft;
    lock.unlock();
    if (is_time) changed_.notify_all();
    remember(current_);
    return true;
  }
  if (!outcome_) return tl::unexpected<Error>(outcome_.error());
  // What is damaged is told each time it is met.
  if (outcome_->empty() && !question_.text.empty())
    context_.answers().keep(question_.text, question_.version, std::move(answer_), answer_cells_);
  question_.text.clear();
  context_.add_damage(*outcome_);
  outcome_->clear();
  return false;
}

void RowBatches::remember(const std::shared_ptr<const CellBatch>& batch) {
  if (question_.text.empty()) return;
  answer_cells_ += batch->rows * std::max<std::size_t>(used_.size(), 1);
  answer_.push_back(batch);
  if (answer_cells_ <= RowAnswers::kMostCells) return;
  question_.text.clear();
  answer_.clear();
}

Result<bool> RowBatches::next() {
  if (step()) return true;
  row_ = rows_ = 0;
  numbers_.clear();
  current_ = nullptr;
  NETREC_TRY(more, fetch());
  if (!more) return false;
  rows_ = current_->rows;
  damage_ = current_->damage;
  current_->show_numbers(place_, numbers_);
  return true;
}

void RowBatches::cell(int column, CellSink& out) const {
  write_cell(*current_, place_[static_cast<std::size_t>(column)], row_, out);
}

}  // namespace netrec
