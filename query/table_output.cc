// Tables for people. The first rows are held back to find the widths; a section longer than that is
// streamed with the widths found, so that a search through a year needs no memory.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "query/output_formats.h"
#include "schema/utf8.h"

namespace netrec {

namespace {

constexpr std::size_t kRowsHeldBack = 5000;
constexpr std::size_t kNarrowest = 12;  ///< a column is not cut below this
constexpr std::string_view kBetween = "  ";
constexpr std::string_view kEllipsis = "…";

struct Text {
  std::string text;
  std::size_t width = 0;
  Style style = Style::plain;
};

struct TextRow {
  std::vector<Text> cells;
  std::vector<std::string> details;
};

/// The longest beginning of `text` that takes at most `width` columns.
std::string_view beginning(std::string_view text, std::size_t width) {
  std::size_t end = 0;
  std::size_t used = 0;
  while (end < text.size()) {
    const std::size_t size = std::max<std::size_t>(1, first_character(text.substr(end)).size);
    used += display_width(text.substr(end, size));
    if (used > width) break;
    end += size;
  }
  return text.substr(0, end);
}

std::string_view ending(std::string_view text, std::size_t width) {
  while (display_width(text) > width)
    text.remove_prefix(std::max<std::size_t>(1, first_character(text).size));
  return text;
}

void cut(Text& cell, std::size_t width, Fit fit) {
  if (cell.width <= width) return;
  const std::string kept(fit == Fit::cut_start ? ending(cell.text, width - 1)
                                               : beginning(cell.text, width - 1));
  cell.text = fit == Fit::cut_start ? std::string(kEllipsis) + kept : kept + std::string(kEllipsis);
  cell.width = display_width(cell.text);
}

bool is_left_aligned(Unit unit) { return unit == Unit::text || unit == Unit::instant_us; }

class TableOutput final : public Output {
 public:
  explicit TableOutput(const OutputOptions& options) : options_(options) {}

  void fact(std::string_view, const Value&, Unit) override {}

  void text(std::string_view line, Style style) override {
    put(options_.out, fmt::format("{}\n", styled(line, style, options_.color)));
  }

  void begin(const Section& section) override {
    columns_.clear();
    place_.clear();
    for (std::size_t i = 0; i < section.columns.size(); ++i) {
      if (section.columns[i].place == Place::machine) continue;
      columns_.push_back(section.columns[i]);
      place_.push_back(i);
    }
    widths_.clear();
    rows_.clear();
    streaming_ = false;
  }

  void row(Row row) override {
    std::vector<Text> texts;
    texts.reserve(columns_.size());
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const Cell& cell = row[place_[i]];
      Text text{table_text(cell.value, columns_[i].unit, options_.times), 0, cell.style};
      text.width = display_width(text.text);
      texts.push_back(std::move(text));
    }
    if (streaming_) return print(texts);
    rows_.push_back({std::move(texts), {}});
    if (rows_.size() >= kRowsHeldBack) release();
  }

  void detail(std::string_view line) override {
    if (streaming_) return print_detail(line);
    rows_.back().details.emplace_back(line);
  }

  void end() override {
    if (!streaming_ && !rows_.empty()) release();
  }

  void notice(const Notice& notice) override { notices_.push_back(notice); }

  Status finish() override {
    Status status = written(options_.out);
    print_notices(notices_, options_);
    return status;
  }

 private:
  OutputOptions options_;
  std::vector<Column> columns_;
  std::vector<std::size_t> place_;  ///< of each in the rows as they come
  std::vector<std::size_t> widths_;
  std::vector<TextRow> rows_;
  std::vector<Notice> notices_;
  bool streaming_ = false;

  void release() {
    find_widths();
    print_header();
    for (TextRow& row : rows_) {
      print(row.cells);
      for (const std::string& line : row.details) print_detail(line);
    }
    rows_.clear();
    streaming_ = true;
  }

  void find_widths() {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      std::size_t width = display_width(columns_[i].title);
      for (const auto& row : rows_) width = std::max(width, row.cells[i].width);
      widths_.push_back(width);
    }
    if (options_.width > 0) squeeze();
  }

  /// Takes from the widest column that may be cut until all fit, or none is left to cut.
  void squeeze() {
    std::size_t total =
        std::accumulate(widths_.begin(), widths_.end(), kBetween.size() * (widths_.size() - 1));
    while (total > options_.width) {
      std::size_t widest = columns_.size();
      for (std::size_t i = 0; i < columns_.size(); ++i) {
        const std::size_t least = std::max(kNarrowest, display_width(columns_[i].title));
        if (columns_[i].fit == Fit::whole || widths_[i] <= least) continue;
        if (widest == columns_.size() || widths_[i] > widths_[widest]) widest = i;
      }
      if (widest == columns_.size()) return;
      --widths_[widest];
      --total;
    }
  }

  void print_detail(std::string_view line) {
    put(options_.out, fmt::format("     {}\n", styled(line, Style::dim, options_.color)));
  }

  void print_header() {
    std::vector<Text> titles;
    for (const Column& column : columns_)
      titles.push_back({column.title, display_width(column.title), Style::strong});
    print(titles);
  }

  void print(std::vector<Text>& row) {
    std::string line;
    std::size_t owed = 0;  ///< blanks, written only if something follows
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (options_.width > 0 && columns_[i].fit != Fit::whole)
        cut(row[i], widths_[i], columns_[i].fit);
      const std::size_t padding = widths_[i] - std::min(widths_[i], row[i].width);
      const bool left = is_left_aligned(columns_[i].unit);
      if (!left) owed += padding;
      if (!row[i].text.empty()) {
        line.append(owed, ' ');
        line += styled(row[i].text, row[i].style, options_.color);
        owed = 0;
      }
      owed += kBetween.size() + (left ? padding : 0);
    }
    put(options_.out, fmt::format("{}\n", line));
  }
};

}  // namespace

std::unique_ptr<Output> make_table_output(const OutputOptions& options) {
  return std::make_unique<TableOutput>(options);
}

}  // namespace netrec
