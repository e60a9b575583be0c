#include <fmt/format.h>

#include "recorder/event_source.h"

namespace netrec {

std::string to_string(const EventLosses& losses) {
  std::string text;
  const auto add = [&text](std::uint64_t count, std::string_view what) {
    if (count != 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, what);
  };
  add(losses.sockets, "of sockets");
  add(losses.others, "of other ends and sockets");
  add(losses.owners, "of owners");
  add(losses.processes, "of processes");
  add(losses.names, "of names");
  add(losses.packets, "packets with new peers");
  add(losses.malformed, "not understood");
  return text;
}

}  // namespace netrec
