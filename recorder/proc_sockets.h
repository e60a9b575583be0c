// Sockets from /proc/net/{raw,raw6,icmp,icmp6}: raw sockets where the kernel was built without
// INET_RAW_DIAG, and ICMP ("ping") sockets, for which there is no diag at all.
//
// These tables hold no cookie. Where it cannot be found (cookie_finder.h) one is made of the inode,
// which is unique among the sockets of a host while the socket lives. The kernel's own cookies
// count up from 0 and down from 2^64 (net/core/sock_diag.c, linux/cookie.h), so none of them ever
// looks like ours.
#pragma once

#include "recorder/sock_diag.h"

namespace netrec {

/// What stands in for the cookie of the socket with `inode`.
constexpr std::uint64_t cookie_from_inode(std::uint32_t inode) {
  return std::uint64_t{1} << 62 | inode;
}

/// One line of the table (not its heading). False if it is not one.
bool decode_proc_socket(std::string_view line, const DecodeContext& context, Socket& row);

/// Shows every line of `table` to `sink`.
DumpReport decode_proc_table(std::string_view table, const DecodeContext& context,
                             SocketSink& sink);

}  // namespace netrec
