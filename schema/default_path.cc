#include "schema/default_path.h"

#include <unistd.h>

#include <cstdlib>

namespace netrec {

namespace {

// An empty variable counts as unset (XDG Base Directory Specification).
std::string environment(const char* variable) {
  const char* value = std::getenv(variable);
  return value == nullptr ? "" : value;
}

}  // namespace

std::string user_timeline_path() {
  constexpr const char* kBelow = "/netrec/timeline.netrec";
  const std::string state = environment("XDG_STATE_HOME");
  if (state.starts_with('/')) return state + kBelow;  // Relative ones are to be ignored.
  const std::string home = environment("HOME");
  return home.empty() ? "" : home + "/.local/state" + kBelow;
}

std::string default_output_path() {
  if (std::string named = environment("NETREC_FILE"); !named.empty()) return named;
  return geteuid() == 0 ? kSystemTimeline : user_timeline_path();
}

std::string default_timeline_path() {
  if (std::string named = environment("NETREC_FILE"); !named.empty()) return named;
  // A file in a directory that may not be searched is not "there" for this user.
  if (access(kSystemTimeline, F_OK) == 0) return kSystemTimeline;
  return user_timeline_path();
}

}  // namespace netrec
