#include "query/lifetime_text.h"

#include <fmt/format.h>

#include "query/error_text.h"

namespace netrec {

std::string moment_text(std::uint64_t at_us, std::uint64_t after_us, TimeStyle times) {
  const std::string text = human_time(at_us, times);
  if (after_us == 0) return "≤" + text;
  return after_us == at_us ? text : "~" + text;
}

std::string closed_text(const Connection& life, TimeStyle times) {
  if (!life.is_closed()) return "open";
  std::string text = human_time(life.closed_us, times);
  if (life.closed_after_us != life.closed_us) text.insert(0, "~");
  if (life.socket.error != 0) text += " " + error_text(life.socket.error);
  return text;
}

std::string lifetime_text(const Connection& connection) {
  const Lifetime lifetime = lifetime_of(connection);
  std::string least = human_duration(lifetime.at_least_us);
  if (lifetime.certain) return least;
  if (connection.socket.opened_after_us == 0) return "≥ " + least;
  if (!connection.is_closed()) return least + " so far";
  const std::string most = human_duration(lifetime.at_most_us);
  if (lifetime.at_least_us == 0) return "≤ " + most;
  return least == most ? least : fmt::format("{} to {}", least, most);
}

}  // namespace netrec
