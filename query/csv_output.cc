// CSV as RFC 4180 has it, for spreadsheets and for programs that have no JSON.
#include <fmt/format.h>

#include "query/escape.h"
#include "query/output_formats.h"

namespace netrec {

namespace {

std::string quoted(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"') result += '"';
    result += c;
  }
  return result + '"';
}

/// A spreadsheet runs text that begins like a formula (OWASP, "CSV injection"): an apostrophe in
/// front makes it text. Numbers of ours are left alone.
std::string disarmed(std::string text) {
  constexpr std::string_view kFormulaBegins = "=+-@";
  if (!text.empty() && kFormulaBegins.find(text.front()) != std::string_view::npos)
    text.insert(text.begin(), '\'');
  return text;
}

struct CsvOf {
  Unit unit;

  std::string operator()(std::monostate) const { return ""; }
  std::string operator()(bool truth) const { return truth ? "true" : "false"; }
  std::string operator()(std::uint64_t number) const {
    return unit == Unit::instant_us ? rfc3339(number) : std::to_string(number);
  }
  std::string operator()(std::int64_t number) const { return std::to_string(number); }
  std::string operator()(double number) const { return fmt::format("{}", number); }
  std::string operator()(const std::string& text) const { return disarmed(escape(text)); }
  std::string operator()(const Value::List& list) const {
    std::string text;
    for (const Value& value : list) text += (text.empty() ? "" : " ") + std::visit(*this, value.of);
    return text;
  }
  std::string operator()(const Value::Members& members) const {
    std::string text;
    for (const auto& [key, value] : members)
      text += (text.empty() ? "" : ";") + fmt::format("{}={}", key, std::visit(*this, value.of));
    return text;
  }
};

class CsvOutput final : public Output {
 public:
  explicit CsvOutput(const OutputOptions& options) : options_(options) {}

  void fact(std::string_view, const Value&, Unit) override {}
  void text(std::string_view, Style) override {}

  void begin(const Section& section) override {
    if (sections_++ > 0) put(options_.out, "\r\n");
    columns_ = section.columns;
    std::vector<std::string> titles;
    for (const Column& column : columns_)
      if (column.place != Place::table) titles.push_back(quoted(column.key));
    put(options_.out, fmt::format("{}\r\n", fmt::join(titles, ",")));
  }

  void row(Row row) override {
    std::vector<std::string> cells;
    for (std::size_t i = 0; i < row.size(); ++i)
      if (columns_[i].place != Place::table)
        cells.push_back(quoted(std::visit(CsvOf{columns_[i].unit}, row[i].value.of)));
    put(options_.out, fmt::format("{}\r\n", fmt::join(cells, ",")));
  }

  void detail(std::string_view) override {}
  void end() override {}
  void notice(const Notice& notice) override { notices_.push_back(notice); }

  Status finish() override {
    Status status = written(options_.out);
    print_notices(notices_, options_);
    return status;
  }

 private:
  OutputOptions options_;
  std::vector<Column> columns_;
  std::vector<Notice> notices_;
  int sections_ = 0;
};

}  // namespace

std::unique_ptr<Output> make_csv_output(const OutputOptions& options) {
  return std::make_unique<CsvOutput>(options);
}

}  // namespace netrec
