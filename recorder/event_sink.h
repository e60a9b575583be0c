// What the eBPF programs tell, decoded: where events go, and the decoder that takes them out of the
// ring's bytes. Apart from EventSource so that folding and decoding are tried without a kernel.
//
// The bytes come from the kernel, but from programs loaded by a recorder that may be older or newer
// than this one: a record of the wrong size is counted and passed over, never believed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "bpf/event.h"

namespace netrec {

/// The strings of an event_exec. Valid during the call.
struct ExecStrings {
  std::string path;               ///< of the executable, from the root of its mount tree
  std::string_view command_line;  ///< arguments separated by NUL, the last NUL left out
};

class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual void on(const event_socket& event) = 0;
  virtual void on(const event_transition& event) = 0;
  virtual void on(const event_closed& event) = 0;
  virtual void on(const event_accepted& event) = 0;
  virtual void on(const event_connect_failed& event) = 0;
  /// Kind EVENT_TIME_WAIT or EVENT_TIME_WAIT_ENDED.
  virtual void on(const event_time_wait& event) = 0;
  /// Kind EVENT_PROCESS_FORKED or EVENT_PROCESS_EXITED.
  virtual void on(const event_process& event) = 0;
  virtual void on(const event_exec& event, const ExecStrings& strings) = 0;
  /// Kind EVENT_DATAGRAM_OPENED or EVENT_DATAGRAM_CLOSED.
  virtual void on(const event_datagram_socket& event) = 0;
  /// `message`: at most EVENT_DNS_MAX bytes of what was received.
  virtual void on(const event_dns& event, std::span<const std::byte> message) = 0;
  /// Kind EVENT_UNIX_CONNECTED, _ACCEPTED, _LISTENING or _FAILED.
  virtual void on(const event_unix& event) = 0;
  virtual void on(const event_unix_left& event) = 0;
};

/// Hands the event in `record` to `sink`; false if it is not one of ours, whole.
bool decode_event(std::span<const std::byte> record, EventSink& sink);

/// "/usr/bin/curl" of the names "curl", "bin", "usr", each ended by a NUL.
std::string path_of_names(std::string_view names);

}  // namespace netrec
