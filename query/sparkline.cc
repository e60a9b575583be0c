#include "query/sparkline.h"

#include <algorithm>
#include <string_view>

namespace netrec {

std::string sparkline(std::span<const std::uint64_t> values) {
  constexpr std::string_view kBars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const std::uint64_t largest =
      values.empty() ? 0 : *std::max_element(values.begin(), values.end());
  std::string line;
  for (const std::uint64_t value : values) {
    if (value == 0) {
      line += ' ';
      continue;
    }
    const double share = static_cast<double>(value) / static_cast<double>(largest);
    line += kBars[std::min<std::size_t>(7, static_cast<std::size_t>(share * 8))];
  }
  return line;
}

}  // namespace netrec
