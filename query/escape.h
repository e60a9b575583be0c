// What a timeline holds may come from a hostile host: nothing of it reaches a terminal unescaped.
#pragma once

#include <string>
#include <string_view>

namespace netrec {

/// `bytes` with control characters (C0, DEL, C1), invalid UTF-8 and bidirectional overrides written
/// as \xNN, a backslash doubled; printable UTF-8 stays.
std::string escape(std::string_view bytes);

}  // namespace netrec
