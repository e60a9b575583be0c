// When something began and how long it lived, in words that do not say more than is known.
#pragma once

#include <string>

#include "query/human.h"
#include "schema/connection.h"

namespace netrec {

/// The time at `at_us` before which something was not known since `after_us`: "≤" before it: it was
/// there before recording began; "~": at the latest then; plain: exactly then.
std::string moment_text(std::uint64_t at_us, std::uint64_t after_us, TimeStyle times);

/// When it closed, likewise, and why if it failed; "open" if it has not.
std::string closed_text(const Connection& life, TimeStyle times);

/// "1.24 s" if both ends are exact; "1.0 s to 3.0 s"; "≤ 1.0 s"; "≥ 5 min 2 s" where it was there
/// before recording began; "5 min 2 s so far" if it is not closed.
std::string lifetime_text(const Connection& connection);

}  // namespace netrec
