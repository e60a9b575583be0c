#include "query/human.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <cwchar>

#include "schema/utf8.h"

namespace netrec {

namespace {

constexpr std::uint64_t kSecond = 1'000'000;
constexpr std::uint64_t kMinute = 60 * kSecond;
constexpr std::uint64_t kHour = 60 * kMinute;
constexpr std::uint64_t kDay = 24 * kHour;

std::tm local_fields(std::uint64_t microseconds) {
  const auto seconds = static_cast<std::time_t>(microseconds / kSecond);
  std::tm fields{};
  localtime_r(&seconds, &fields);
  return fields;
}

/// "2 d 4 h": the whole units of `large`, then of `small` if any are left.
std::string two_units(std::uint64_t value, std::uint64_t large, std::string_view large_name,
                      std::uint64_t small, std::string_view small_name) {
  const std::uint64_t rest = value % large / small;
  if (rest == 0) return fmt::format("{} {}", value / large, large_name);
  return fmt::format("{} {} {} {}", value / large, large_name, rest, small_name);
}

}  // namespace

std::string human_bytes(std::uint64_t bytes) {
  if (bytes < 1024) return fmt::format("{} B", bytes);
  constexpr std::string_view kUnits[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  auto value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  // 1023.95 would be printed as 1024.0.
  for (; value >= 1023.95 && unit + 1 < std::size(kUnits); ++unit) value /= 1024;
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string human_duration(std::uint64_t microseconds) {
  const auto value = static_cast<double>(microseconds);
  if (microseconds == 0) return "0 s";
  if (microseconds < 1000) return fmt::format("{} µs", microseconds);
  if (microseconds < 9'995) return fmt::format("{:.2f} ms", value / 1e3);
  if (microseconds < 999'500) return fmt::format("{:.0f} ms", value / 1e3);
  if (microseconds < 9'995'000) return fmt::format("{:.2f} s", value / 1e6);
  if (microseconds < 59'950'000) return fmt::format("{:.1f} s", value / 1e6);
  if (microseconds < kHour)  // What is all but a minute is one.
    return two_units(std::max(microseconds, kMinute), kMinute, "min", kSecond, "s");
  if (microseconds < kDay) return two_units(microseconds, kHour, "h", kMinute, "min");
  return two_units(microseconds, kDay, "d", kHour, "h");
}

std::string human_count(std::uint64_t count) {
  std::string text = std::to_string(count);
  if (text.size() < 5) return text;
  for (auto place = static_cast<std::ptrdiff_t>(text.size()) - 3; place > 0; place -= 3)
    text.insert(static_cast<std::size_t>(place), " ");
  return text;
}

std::string counted(std::uint64_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", human_count(count), count == 1 ? one : many);
}

std::string human_time(std::uint64_t microseconds, TimeStyle style) {
  if (microseconds == 0) return "";
  const std::tm fields = local_fields(microseconds);
  const char* format = style == TimeStyle::time_of_day ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S";
  char text[64] = "";
  std::strftime(text, sizeof text, format, &fields);
  if (style == TimeStyle::seconds) return text;
  return fmt::format("{}.{:03}", text, microseconds % kSecond / 1000);
}

std::string human_time(WallTime time, TimeStyle style) { return human_time(to_us(time), style); }

std::string zone_name(WallTime time) {
  const std::tm fields = local_fields(to_us(time));
  return fields.tm_zone == nullptr ? "" : fields.tm_zone;
}

std::string rfc3339(std::uint64_t microseconds) {
  if (microseconds == 0) return "";
  const auto seconds = static_cast<std::time_t>(microseconds / kSecond);
  std::tm fields{};
  gmtime_r(&seconds, &fields);
  char text[64] = "";
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &fields);
  return fmt::format("{}.{:06}Z", text, microseconds % kSecond);
}

std::string rfc3339(WallTime time) { return rfc3339(to_us(time)); }

std::uint64_t to_us(WallTime time) {
  const auto count = time.time_since_epoch().count();
  return count < 0 ? 0 : static_cast<std::uint64_t>(count);
}

WallTime from_us(std::uint64_t microseconds) {
  constexpr auto kLatest = static_cast<std::uint64_t>(WallTime::max().time_since_epoch().count());
  return WallTime(std::chrono::microseconds(microseconds < kLatest ? microseconds : kLatest));
}

bool same_local_day(WallTime one, WallTime other) {
  const std::tm first = local_fields(to_us(one));
  const std::tm second = local_fields(to_us(other));
  return first.tm_year == second.tm_year && first.tm_yday == second.tm_yday;
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    const Utf8Character character = first_character(text);
    // Without a locale wcwidth() knows only ASCII; then every character counts as one.
    const int columns = character.size == 0 ? 1 : wcwidth(static_cast<wchar_t>(character.code));
    width += columns < 0 ? 1 : static_cast<std::size_t>(columns);
    text.remove_prefix(character.size == 0 ? 1 : character.size);
  }
  return width;
}

}  // namespace netrec
