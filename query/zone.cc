#include "query/zone.h"

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <vector>

#include "query/escape.h"

namespace netrec {

namespace {

bool is_zone_name(const std::string& name) {
  const bool plain = name.find_first_not_of(
                         "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                         "0123456789/_+-") == std::string::npos;
  std::error_code ignored;
  return plain && !name.empty() && name.front() != '/' &&
         std::filesystem::is_regular_file("/usr/share/zoneinfo/" + name, ignored);
}

// Of several timelines, the zone of the one begun last.
Result<std::vector<RecordedSession>> last_sessions(Context& context) {
  NETREC_TRY(several, context.files());
  if (several == nullptr) {
    NETREC_TRY(timeline, context.timeline());
    return timeline->sessions();
  }
  NETREC_TRY(last, Timeline::open(several->files().back().path));
  return last.sessions();
}

Result<std::string> zone_of_host(Context& context) {
  NETREC_TRY(sessions, last_sessions(context));
  if (sessions.empty() || sessions.back().zone.empty())
    return failure(ErrorKind::not_found, "the recording does not say its host's zone");
  // "Europe/Berlin +0100"
  const std::string& zone = sessions.back().zone;
  return zone.substr(0, zone.find(' '));
}

}  // namespace

Status use_zone(Context& context) {
  std::string zone = context.options().zone;
  if (zone.empty()) return {};
  if (zone == "host") {
    NETREC_TRY(recorded, zone_of_host(context));
    zone = recorded;
  }
  if (zone == "utc" || zone == "UTC") {
    zone = "UTC0";
  } else if (!is_zone_name(zone)) {
    return failure(ErrorKind::invalid_argument,
                   "'{}' is not a zone this machine knows (Europe/Berlin, utc, host)",
                   escape(zone));
  }
  setenv("TZ", zone.c_str(), 1);
  tzset();
  return {};
}

}  // namespace netrec
