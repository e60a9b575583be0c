#include "query/zone.h"

#include <cstdlib>
#include <ctime>
#include <filesystem>

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

Result<std::string> zone_of_host(Context& context) {
  NETREC_TRY(timeline, context.timeline());
  FrameCursor cursor = timeline->cursor();
  NETREC_CHECKED(cursor.seek(timeline->summary().last_wall));
  NETREC_TRY(sessions, timeline->sessions());
  const Session* last = nullptr;
  for (const Session& session : cursor.snapshot().of<Session>())
    if (last == nullptr || session.id > last->id) last = &session;
  if (last == nullptr && !sessions.empty()) last = &sessions.back();
  if (last == nullptr) return failure(ErrorKind::not_found, "the recording names no zone");
  // "Europe/Berlin +0100"
  const std::string text(cursor.snapshot().text(last->time_zone));
  return text.substr(0, text.find(' '));
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
