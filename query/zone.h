// The zone clock times are read and shown in.
#pragma once

#include "query/context.h"

namespace netrec {

/// Makes --zone the program's local zone (TZ): "utc", "host" (that of the recorded host, as its
/// last session says), or a name of the zone database. Without the option nothing changes. Errors:
/// invalid_argument, and what opening the timeline may say.
Status use_zone(Context& context);

}  // namespace netrec
