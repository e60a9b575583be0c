// UNIX sockets by UNIX_DIAG (linux/unix_diag.h): type, state, path, peer, queues.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "recorder/sock_diag.h"

namespace netrec {

std::vector<std::byte> unix_request();

/// One message of the answer; false if it is not one.
bool decode_unix(Bytes payload, const DecodeContext& context, Socket& row);

/// A name as the kernel has it (a path, or an abstract one that begins with NUL) as people write
/// it: "/run/x", "@x".
std::string printable_unix_name(std::string_view name);

}  // namespace netrec
