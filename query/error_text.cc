#include "query/error_text.h"

#include <fmt/format.h>

#include <map>
#include <string_view>

namespace netrec {

std::string error_text(std::uint32_t error) {
  switch (error) {
    case 0:
      return "";
    case 104:
      return "reset";
    case 110:
      return "timed out";
    case 111:
      return "refused";
    case 1:
    case 13:
      return "not permitted";
    default:
      break;
  }
  // Linux numbers, also where the file is read on another system.
  static const std::map<std::uint32_t, std::string_view> kTexts = {
      {32, "broken pipe"},      {71, "protocol error"}, {90, "message too long"},
      {92, "no such protocol"}, {98, "address in use"}, {99, "no free port or address"},
      {100, "network down"},    {101, "no route"},      {103, "aborted"},
      {105, "no buffer space"}, {112, "host down"},     {113, "host unreachable"},
  };
  const auto known = kTexts.find(error);
  return known == kTexts.end() ? fmt::format("error {}", error) : std::string(known->second);
}

}  // namespace netrec
