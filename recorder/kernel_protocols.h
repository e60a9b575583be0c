// Which protocols the running kernel has, and how many sockets of each, by /proc/net/protocols: a
// kind of socket whose protocol is not loaded has no sockets, and that its dump is refused then is
// no loss.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "recorder/source.h"

namespace netrec {

/// How many sockets of `kind` there are in the namespace whose /proc/net/protocols is `table`; -1
/// if the kernel does not count them; nothing if it has no such protocol.
std::optional<std::int64_t> sockets_in_use(SocketKind kind, std::string_view table);

}  // namespace netrec
