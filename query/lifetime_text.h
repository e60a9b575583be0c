// How long something lived, in words that do not say more than is known.
#pragma once

#include <string>

#include "schema/connection.h"

namespace netrec {

/// "1.24 s" if both ends are exact; "1.0 s to 3.0 s"; "≤ 1.0 s"; "≥ 5 min 2 s" where it was there
/// before recording began; "5 min 2 s so far" if it is not closed.
std::string lifetime_text(const Connection& connection);

}  // namespace netrec
