#include "query/output.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cmath>

#include "query/escape.h"
#include "query/output_formats.h"

namespace netrec {

namespace {

std::string number_text(double number, Unit unit, TimeStyle times) {
  const auto whole = number < 0 ? std::uint64_t{0} : static_cast<std::uint64_t>(std::round(number));
  switch (unit) {
    case Unit::percent:
      return fmt::format("{:.1f} %", number);
    case Unit::per_second:
      return number >= 99.95 ? fmt::format("{:.0f}/s", number) : fmt::format("{:.1f}/s", number);
    case Unit::bytes:
      return human_bytes(whole);
    case Unit::duration_us:
      return human_duration(whole);
    case Unit::instant_us:
      return human_time(whole, times);
    default:
      return fmt::format("{:.2f}", number);
  }
}

std::string number_text(std::uint64_t number, Unit unit, TimeStyle times) {
  switch (unit) {
    case Unit::count:
      return human_count(number);
    case Unit::bytes:
      return human_bytes(number);
    case Unit::duration_us:
      return human_duration(number);
    case Unit::instant_us:
      return human_time(number, times);
    case Unit::percent:
    case Unit::per_second:
      return number_text(static_cast<double>(number), unit, times);
    default:
      return std::to_string(number);
  }
}

struct TextOf {
  Unit unit;
  TimeStyle times;

  std::string operator()(std::monostate) const { return ""; }
  std::string operator()(bool truth) const { return truth ? "yes" : "no"; }
  std::string operator()(std::uint64_t number) const { return number_text(number, unit, times); }
  std::string operator()(std::int64_t number) const {
    if (number >= 0) return (*this)(static_cast<std::uint64_t>(number));
    return "-" + (*this)(std::uint64_t{0} - static_cast<std::uint64_t>(number));
  }
  std::string operator()(double number) const { return number_text(number, unit, times); }
  std::string operator()(const std::string& text) const { return escape(text); }
  std::string operator()(const Value::List& list) const {
    std::string text;
    for (const Value& value : list)
      text += (text.empty() ? "" : ", ") + table_text(value, unit, times);
    return text;
  }
  std::string operator()(const Value::Members& members) const {
    std::string text;
    for (const auto& [key, value] : members)
      text += (text.empty() ? "" : " ") + fmt::format("{}={}", key, table_text(value, unit, times));
    return text;
  }
};

std::string_view sequence_of(Style style) {
  switch (style) {
    case Style::plain:
      return "";
    case Style::dim:
      return "\x1b[2m";
    case Style::strong:
      return "\x1b[1m";
    case Style::good:
      return "\x1b[32m";
    case Style::warning:
      return "\x1b[33m";
    case Style::bad:
      return "\x1b[31m";
    case Style::accent:
      return "\x1b[36m";
  }
  return "";
}

}  // namespace

std::string table_text(const Value& value, Unit unit, TimeStyle times) {
  return std::visit(TextOf{unit, times}, value.of);
}

std::string styled(std::string_view text, Style style, bool color) {
  const std::string_view sequence = sequence_of(style);
  if (!color || sequence.empty() || text.empty()) return std::string(text);
  return fmt::format("{}{}\x1b[0m", sequence, text);
}

std::unique_ptr<Output> make_output(const OutputOptions& options, std::string_view command) {
  switch (options.format) {
    case Format::json:
      return make_json_output(options, command, JsonLayout::document);
    case Format::ndjson:
      return make_json_output(options, command, JsonLayout::lines);
    case Format::csv:
      return make_csv_output(options);
    case Format::table:
      break;
  }
  return make_table_output(options);
}

void print_notices(std::vector<Notice>& notices, const OutputOptions& options) {
  constexpr std::size_t kMost = 5;
  const std::string mark = styled("netrec: note:", Style::warning, options.color_err);
  for (std::size_t i = 0; i < std::min(notices.size(), kMost); ++i)
    put(options.err, fmt::format("{} {}\n", mark, notices[i].text));
  // What is damaged shows itself where it is read; only verify reads all.
  const bool is_damaged = std::any_of(notices.begin(), notices.end(), [](const Notice& notice) {
    return notice.cause == name(GapCause::damaged);
  });
  if (notices.size() > kMost)
    put(options.err, fmt::format("{} … and {} more; `netrec {}` lists them all\n", mark,
                                 notices.size() - kMost, is_damaged ? "verify" : "info"));
  notices.clear();
}

void put(std::FILE* file, std::string_view text) {
  static_cast<void>(std::fwrite(text.data(), 1, text.size(), file));
}

Status written(std::FILE* file) {
  errno = 0;
  if (std::fflush(file) == 0 && std::ferror(file) == 0) return {};
  return tl::unexpected<Error>(system_error(errno != 0 ? errno : EIO, "write the answer"));
}

}  // namespace netrec
