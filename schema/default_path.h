// Where a timeline lies if nobody says: the one thing the recorder and its readers must agree on
// without asking each other.
#pragma once

#include <string>

namespace netrec {

/// The timeline of the host, kept by a recorder that runs as root.
inline constexpr const char* kSystemTimeline = "/var/lib/netrec/timeline.netrec";

/// Where a recorder writes that was told nothing: $NETREC_FILE, else kSystemTimeline for root, else
/// the user's timeline.
std::string default_output_path();

/// What a reader opens that was told nothing: $NETREC_FILE, else kSystemTimeline if it is there,
/// else the user's timeline (which need not be there either).
std::string default_timeline_path();

/// ${XDG_STATE_HOME:-~/.local/state}/netrec/timeline.netrec; "" if there is no home either.
std::string user_timeline_path();

}  // namespace netrec
