// TCP, UDP, UDP-Lite, raw, MPTCP, SCTP and DCCP sockets over IPv4 and IPv6, by INET_DIAG
// (sock_diag(7), linux/inet_diag.h).
#pragma once

#include <vector>

#include "recorder/sock_diag.h"

namespace netrec {

/// The request for all sockets of `kind` in all states. REQUIRES: its family is inet or inet6.
std::vector<std::byte> inet_request(SocketKind kind);

/// The same for those that listen, and for the one that `question` describes.
std::vector<std::byte> listeners_request(SocketKind kind);
std::vector<std::byte> inet_question(SocketKind kind, const SocketQuestion& question);

/// One message of the answer. Returns false, with `row` undefined, if it is too short, of another
/// family, or ends in the middle of an attribute.
bool decode_inet(Bytes payload, const DecodeContext& context, Socket& row);

/// A message of SKNLGRP_*_DESTROY, of either family; `context.kind` is passed over. uid and inode
/// are 0 in it, whatever they were.
bool decode_ended(Bytes payload, const DecodeContext& context, Socket& row);

}  // namespace netrec
