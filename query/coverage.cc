#include "query/coverage.h"

#include <algorithm>

#include "query/gap_notices.h"

namespace netrec {

std::vector<Unseen> unseen_parts(const std::vector<RecordedGap>& gaps, const Timeline& timeline,
                                 std::uint64_t from_us, std::uint64_t to_us) {
  std::vector<Unseen> parts;
  for (const RecordedGap& gap : gaps) {
    if (!hides_time(gap.cause)) continue;
    const std::uint64_t begin = std::max(gap.from_us, from_us);
    const std::uint64_t end = std::min(gap_end(gap, timeline), to_us);
    if (begin < end) parts.push_back({begin, end});
  }
  std::sort(parts.begin(), parts.end(),
            [](const Unseen& a, const Unseen& b) { return a.from_us < b.from_us; });
  std::vector<Unseen> merged;
  for (const Unseen& part : parts) {
    if (!merged.empty() && part.from_us <= merged.back().to_us)
      merged.back().to_us = std::max(merged.back().to_us, part.to_us);
    else
      merged.push_back(part);
  }
  return merged;
}

std::uint64_t length_of(const std::vector<Unseen>& parts) {
  std::uint64_t sum = 0;
  for (const Unseen& part : parts) sum += part.to_us - part.from_us;
  return sum;
}

std::string coverage_bar(const std::vector<Unseen>& parts, std::uint64_t from_us,
                         std::uint64_t to_us, std::size_t width) {
  if (to_us <= from_us || width == 0) return "";
  const auto span = static_cast<double>(to_us - from_us);
  std::vector<double> unseen(width, 0);  // share of each character
  for (const Unseen& part : parts) {
    const double begin =
        static_cast<double>(part.from_us - from_us) / span * static_cast<double>(width);
    const double end =
        static_cast<double>(part.to_us - from_us) / span * static_cast<double>(width);
    for (auto i = static_cast<std::size_t>(begin); i < width; ++i) {
      const auto left = static_cast<double>(i);
      if (left >= end) break;
      unseen[i] += std::min(end, left + 1) - std::max(begin, left);
    }
  }
  std::string bar;
  // Whatever is missing shows, however little.
  for (const double share : unseen) bar += share <= 0 ? "█" : share < 0.999 ? "▒" : "░";
  return bar;
}

}  // namespace netrec
