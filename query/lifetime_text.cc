#include "query/lifetime_text.h"

#include <fmt/format.h>

#include "query/human.h"

namespace netrec {

std::string lifetime_text(const Connection& connection) {
  const Lifetime lifetime = lifetime_of(connection);
  const std::string least = human_duration(lifetime.at_least_us);
  if (lifetime.certain) return least;
  if (connection.socket.opened_after_us == 0) return "≥ " + least;
  if (!connection.is_closed()) return least + " so far";
  const std::string most = human_duration(lifetime.at_most_us);
  if (lifetime.at_least_us == 0) return "≤ " + most;
  return least == most ? least : fmt::format("{} to {}", least, most);
}

}  // namespace netrec
