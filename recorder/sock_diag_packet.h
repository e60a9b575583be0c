// Packet sockets (a sniffer shows here) by PACKET_DIAG (linux/packet_diag.h): protocol, interface,
// promiscuous mode. Recv-Q and Send-Q are the memory in use, as ss shows them.
#pragma once

#include <vector>

#include "recorder/sock_diag.h"

namespace netrec {

std::vector<std::byte> packet_request();

/// One message of the answer; false if it is not one.
bool decode_packet(Bytes payload, const DecodeContext& context, Socket& row);

}  // namespace netrec
