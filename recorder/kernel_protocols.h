// Which protocols the running kernel has, by /proc/net/protocols: a kind of socket whose protocol
// is not loaded has no sockets, and that its dump is refused then is no loss.
#pragma once

#include <string_view>

#include "recorder/source.h"

namespace netrec {

/// True if the kernel whose /proc/net/protocols is `table` can have sockets of `kind`.
bool kernel_has(SocketKind kind, std::string_view table);

}  // namespace netrec
