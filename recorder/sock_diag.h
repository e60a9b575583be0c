// What the sock_diag decoders (inet, unix, packet, vsock) have in common: each has a request in
// bytes, and a pure function from one message's payload to one row.
#pragma once

#include <linux/sock_diag.h>

#include <cstdint>
#include <string>

#include "recorder/attributes.h"
#include "recorder/source.h"

namespace netrec {

/// Remembers the last string interned, within one dump: nearly all TCP sockets of a host have the
/// same congestion control.
class LastText {
 public:
  std::uint32_t intern(TextSink& texts, std::string_view bytes) {
    if (id_ == 0 || bytes != bytes_) {
      bytes_ = bytes;
      id_ = texts.text(bytes);
    }
    return id_;
  }

 private:
  std::string bytes_;
  std::uint32_t id_ = 0;
};

/// What a decoder knows besides the message.
struct DecodeContext {
  SocketKind kind;
  std::uint32_t network_namespace = 0;
  std::uint64_t received_us = 0;  ///< wall clock
  TextSink& texts;
  LastText& congestion;
};

inline std::uint64_t cookie_of(const std::uint32_t (&halves)[2]) {
  return std::uint64_t{halves[1]} << 32 | halves[0];
}

/// SK_MEMINFO_* (linux/sock_diag.h).
inline void decode_memory(Bytes bytes, Socket& row) {
  struct Memory {
    std::uint32_t values[SK_MEMINFO_VARS];
  };
  const auto memory = read_as<Memory>(bytes);
  row.receive_memory = memory.values[SK_MEMINFO_RMEM_ALLOC];
  row.receive_buffer = memory.values[SK_MEMINFO_RCVBUF];
  row.send_memory = memory.values[SK_MEMINFO_WMEM_ALLOC];
  row.send_buffer = memory.values[SK_MEMINFO_SNDBUF];
  row.forward_allocated = memory.values[SK_MEMINFO_FWD_ALLOC];
  row.queued_memory = memory.values[SK_MEMINFO_WMEM_QUEUED];
  row.option_memory = memory.values[SK_MEMINFO_OPTMEM];
  row.backlog_memory = memory.values[SK_MEMINFO_BACKLOG];
  row.drops = memory.values[SK_MEMINFO_DROPS];
}

}  // namespace netrec
