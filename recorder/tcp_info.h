// struct tcp_info, as much of it as the running kernel fills, into a Socket's row.
#pragma once

#include <cstdint>

#include "recorder/attributes.h"
#include "schema/socket.h"

namespace netrec {

/// REQUIRES: `row.state` is set. `now_us` is the wall clock when the kernel wrote `bytes`.
void decode_tcp_info(Bytes bytes, std::uint64_t now_us, Socket& row);

}  // namespace netrec
