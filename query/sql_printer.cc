#include "query/sql_printer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "query/escape.h"
#include "query/human.h"
#include "query/progress.h"

namespace netrec {

namespace {

constexpr std::pair<std::string_view, SqlMode> kModes[] = {{"table", SqlMode::table},
                                                           {"line", SqlMode::line},
                                                           {"json", SqlMode::json},
                                                           {"ndjson", SqlMode::ndjson},
                                                           {"csv", SqlMode::csv}};

Format format_of(SqlMode mode) {
  switch (mode) {
    case SqlMode::json:
      return Format::json;
    case SqlMode::ndjson:
      return Format::ndjson;
    case SqlMode::csv:
      return Format::csv;
    case SqlMode::table:
    case SqlMode::line:
      break;
  }
  return Format::table;
}

std::string hexadecimal(std::string_view bytes) {
  constexpr std::size_t kMost = 64;
  std::string text = "x'";
  for (const char byte : bytes.substr(0, kMost))
    text += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return text + (bytes.size() > kMost ? "…'" : "'");
}

Value value_of(const SqlCell& cell) {
  if (const auto* number = std::get_if<std::int64_t>(&cell)) return *number;
  if (const auto* real = std::get_if<double>(&cell)) return *real;
  if (const auto* text = std::get_if<std::string>(&cell)) return *text;
  if (const auto* blob = std::get_if<SqlBlob>(&cell)) return hexadecimal(blob->bytes);
  return {};
}

/// JSON objects need keys that differ.
std::vector<std::string> distinct(const std::vector<std::string>& columns) {
  std::set<std::string> taken;
  std::vector<std::string> keys;
  for (const std::string& column : columns) {
    std::string key = column;
    for (int i = 2; !taken.insert(key).second; ++i) key = fmt::format("{}_{}", column, i);
    keys.push_back(std::move(key));
  }
  return keys;
}

}  // namespace

std::optional<SqlMode> sql_mode(std::string_view name) {
  for (const auto& [word, mode] : kModes)
    if (word == name) return mode;
  return std::nullopt;
}

std::string_view name(SqlMode mode) {
  for (const auto& [word, known] : kModes)
    if (known == mode) return word;
  return "";
}

Result<std::uint64_t> SqlPrinter::print(SqlStatement& statement) {
  if (mode_ == SqlMode::line) return print_lines(statement);
  if (output_ != nullptr) return print_rows(statement, *output_);
  OutputOptions options;
  options.format = format_of(mode_);
  options.color = color_;
  options.width = width_;
  const auto output = make_output(options, "sql");
  NETREC_TRY(rows, print_rows(statement, *output));
  NETREC_CHECKED(output->finish());
  return rows;
}

Result<std::uint64_t> SqlPrinter::print_rows(SqlStatement& statement, Output& output) {
  // Numbers to the right; what a column holds is only known from its first row.
  NETREC_TRY(first, statement.step());
  const std::vector<std::string> keys = distinct(statement.columns());
  // The members of one JSON object must differ.
  const bool another = &output == output_ && ++sections_ > 1;
  Section section{"row", another ? fmt::format("rows_{}", sections_) : "rows", {}};
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const SqlCell cell = first ? statement.cell(static_cast<int>(i)) : SqlCell{};
    const bool number =
        std::holds_alternative<std::int64_t>(cell) || std::holds_alternative<double>(cell);
    section.columns.push_back({.key = keys[i],
                               .title = statement.columns()[i],
                               .unit = number ? Unit::number : Unit::text,
                               .fit = Fit::cut_end});
  }
  output.begin(section);
  std::uint64_t rows = 0;
  for (bool more = first; more; ++rows) {
    Row row;
    for (std::size_t i = 0; i < keys.size(); ++i)
      row.emplace_back(value_of(statement.cell(static_cast<int>(i))));
    output.row(std::move(row));
    NETREC_TRY(next, statement.step());
    more = next;
  }
  output.end();
  return rows;
}

Result<std::uint64_t> SqlPrinter::print_lines(SqlStatement& statement) const {
  const auto& columns = statement.columns();
  std::size_t widest = 0;
  for (const std::string& column : columns)
    widest = std::max(widest, display_width(escape(column)));
  std::uint64_t rows = 0;
  for (;; ++rows) {
    NETREC_TRY(more, statement.step());
    if (!more) return rows;
    if (rows > 0) fmt::print("\n");
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const std::string title = escape(columns[i]);
      const std::string padding(widest - display_width(title), ' ');
      fmt::print(
          "{}{} = {}\n", padding, styled(title, Style::dim, color_),
          table_text(value_of(statement.cell(static_cast<int>(i))), Unit::text, TimeStyle::full));
    }
  }
}

}  // namespace netrec
