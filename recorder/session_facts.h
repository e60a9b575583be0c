// What a session says of itself: which host, which recorder, and what it cannot see. Said on the
// terminal and written into the file with the same words.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "recorder/capture.h"
#include "recorder/observer.h"
#include "recorder/options.h"
#include "schema/gap.h"
#include "schema/session.h"

namespace netrec {

/// Something that is not recorded in this session, and why.
struct Limit {
  GapCause cause = GapCause::not_privileged;  ///< or left_out, unsupported
  std::string what;

  bool operator==(const Limit&) const = default;
};

/// What a recorder with these effective capabilities (bit n = capability n, capabilities(7)) and
/// these options cannot see.
std::vector<Limit> limits_of(const RecordOptions& options, std::uint64_t capabilities,
                             const Capture& capture, const SocketSource& source);

/// The row of a session that starts now; its strings go into `observer`.
Session session_row(const RecordOptions& options, const std::vector<Limit>& limits,
                    CaptureMode mode, const Instant& now, Observer& observer);

/// The limits as gaps that last until the session's end.
void tell_limits(const std::vector<Limit>& limits, const Instant& now, Observer& observer);

}  // namespace netrec
