// UNIX sockets by UNIX_DIAG (linux/unix_diag.h): type, state, path, peer, queues.
#pragma once

#include <vector>

#include "recorder/sock_diag.h"

namespace netrec {

std::vector<std::byte> unix_request();

/// One message of the answer; false if it is not one.
bool decode_unix(Bytes payload, const DecodeContext& context, Socket& row);

}  // namespace netrec
