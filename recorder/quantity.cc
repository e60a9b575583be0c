#include "recorder/quantity.h"

#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <span>

namespace netrec {

namespace {

struct Unit {
  std::string_view name;
  double factor;
};

constexpr Unit kDurationUnits[] = {{"us", 1},     {"ms", 1e3},    {"s", 1e6},        {"m", 60e6},
                                   {"h", 3600e6}, {"d", 86400e6}, {"w", 7 * 86400e6}};
constexpr Unit kSizeUnits[] = {{"", 1},         {"b", 1},       {"k", 0x1p10},   {"kb", 0x1p10},
                               {"kib", 0x1p10}, {"m", 0x1p20},  {"mb", 0x1p20},  {"mib", 0x1p20},
                               {"g", 0x1p30},   {"gb", 0x1p30}, {"gib", 0x1p30}, {"t", 0x1p40},
                               {"tb", 0x1p40},  {"tib", 0x1p40}};
// What still fits the integers behind, with room to reckon: 292 years, 4 EiB.
constexpr double kLargest = 0x1p62;

const Unit* find_unit(std::span<const Unit> units, std::string_view name) {
  std::string lower(name);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  for (const Unit& unit : units)
    if (unit.name == lower) return &unit;
  return nullptr;
}

// Takes a number and the letters after it off the front of `text`; false if there is no number.
bool take_part(std::string_view& text, double& number, std::string_view& unit) {
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc{} || !std::isfinite(number) || number < 0) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  std::size_t letters = 0;
  while (letters < text.size() && std::isalpha(static_cast<unsigned char>(text[letters])))
    ++letters;
  unit = text.substr(0, letters);
  text.remove_prefix(letters);
  return true;
}

tl::unexpected<Error> not_a_duration(std::string_view text) {
  return failure(ErrorKind::invalid_argument,
                 "\"{}\" is not a duration; say for example 250ms, 60s, 5m, 1h30m or 7d", text);
}

}  // namespace

Result<std::chrono::microseconds> parse_period(std::string_view text) {
  std::string_view rest = text;
  double total = 0;
  do {
    double number = 0;
    std::string_view name;
    if (!take_part(rest, number, name)) return not_a_duration(text);
    const bool is_bare = name.empty() && rest.empty() && total == 0;
    const Unit* unit = find_unit(kDurationUnits, is_bare ? "s" : name);
    if (unit == nullptr) return not_a_duration(text);
    total += number * unit->factor;
  } while (!rest.empty());
  if (total >= kLargest)
    return failure(ErrorKind::invalid_argument, "\"{}\" is longer than can be counted", text);
  return std::chrono::microseconds(std::llround(total));
}

Result<std::uint64_t> parse_size(std::string_view text) {
  std::string_view rest = text;
  double number = 0;
  std::string_view name;
  const Unit* unit = nullptr;
  if (take_part(rest, number, name) && rest.empty()) unit = find_unit(kSizeUnits, name);
  if (unit == nullptr)
    return failure(ErrorKind::invalid_argument,
                   "\"{}\" is not a size; say for example 500M, 2G or 1.5T", text);
  if (number * unit->factor >= kLargest)
    return failure(ErrorKind::invalid_argument, "\"{}\" is larger than any file", text);
  return static_cast<std::uint64_t>(std::llround(number * unit->factor));
}

std::string duration_text(std::chrono::microseconds duration) {
  std::string text;
  std::int64_t rest = duration.count() / 1000;
  if (rest == 0) return duration.count() == 0 ? "0s" : fmt::format("{}us", duration.count());
  constexpr std::array<std::pair<std::string_view, std::int64_t>, 5> kUnits = {
      {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
  for (const auto& [name, factor] : kUnits) {
    if (const auto count = rest / factor; count != 0) text += fmt::format("{}{}", count, name);
    rest %= factor;
  }
  return text;
}

std::string size_text(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 5> kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1024) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 1023.95 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

}  // namespace netrec
