// An error that shows what the user wrote and points at the character it is about.
#pragma once

#include <cstddef>
#include <string_view>

#include "schema/result.h"

namespace netrec {

/// invalid_argument: `message`, then `text` on a line of its own, then a caret under the byte at
/// `position` with `expected` behind it.
///
///   dport is compared with a port
///     dst 10.0.0.1 dport = tuesday
///                          ^ expected a number 0 to 65535 or a service name
Error pointed_error(std::string_view message, std::string_view text, std::size_t position,
                    std::string_view expected);

}  // namespace netrec
