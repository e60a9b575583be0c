#include "schema/sharers.h"

#include <algorithm>
#include <charconv>

namespace netrec {

std::vector<std::uint32_t> sharers_in(std::string_view text) {
  std::vector<std::uint32_t> processes;
  while (!text.empty()) {
    const std::string_view one = text.substr(0, text.find_first_of(" ,"));
    std::uint32_t process = 0;
    const auto [end, error] = std::from_chars(one.data(), one.data() + one.size(), process);
    if (error == std::errc{} && end != one.data() + one.size() && *end == ':')
      processes.push_back(process);
    text.remove_prefix(std::min(text.size(), one.size() + 1));
  }
  return processes;
}

}  // namespace netrec
