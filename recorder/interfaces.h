// Network interfaces by rtnetlink (RTM_GETLINK, rtnetlink(7)): what `ip -s link` and `netstat -i`
// show, with the kernel's 64-bit counters.
#pragma once

#include <vector>

#include "recorder/attributes.h"
#include "recorder/source.h"

namespace netrec {

std::vector<std::byte> interfaces_request();

/// One RTM_NEWLINK message; false if it is not one. Sets everything but `network_namespace`.
bool decode_interface(Bytes payload, TextSink& texts, Interface& row);

}  // namespace netrec
