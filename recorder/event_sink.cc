#include "recorder/event_sink.h"

#include <cstring>
#include <vector>

#include "recorder/attributes.h"

namespace netrec {

namespace {

/// The front of `record` as an Event; the ring aligns records to eight bytes.
template <class Event>
bool hand_over(std::span<const std::byte> record, EventSink& sink) {
  if (record.size() != sizeof(Event)) return false;
  Event event;
  std::memcpy(&event, record.data(), sizeof(event));
  sink.on(event);
  return true;
}

bool hand_over_exec(std::span<const std::byte> record, EventSink& sink) {
  event_exec event;
  if (record.size() < sizeof(event)) return false;
  std::memcpy(&event, record.data(), sizeof(event));
  const auto rest = record.subspan(sizeof(event));
  if (rest.size() != std::size_t{event.path_bytes} + event.arguments_bytes) return false;
  ExecStrings strings;
  strings.path = path_of_names(as_text(rest.first(event.path_bytes)));
  strings.command_line = as_text(rest.subspan(event.path_bytes));
  if (strings.command_line.ends_with('\0')) strings.command_line.remove_suffix(1);
  sink.on(event, strings);
  return true;
}

bool hand_over_dns(std::span<const std::byte> record, EventSink& sink) {
  event_dns event;
  if (record.size() < sizeof(event)) return false;
  std::memcpy(&event, record.data(), sizeof(event));
  const auto message = record.subspan(sizeof(event));
  if (event.bytes != message.size()) return false;
  sink.on(event, message);
  return true;
}

}  // namespace

std::string path_of_names(std::string_view names) {
  std::vector<std::string_view> parts;
  while (!names.empty()) {
    const std::size_t end = names.find('\0');
    parts.push_back(names.substr(0, end));
    names.remove_prefix(end == std::string_view::npos ? names.size() : end + 1);
  }
  std::string path;
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) path.append("/").append(*part);
  return path;
}

bool decode_event(std::span<const std::byte> record, EventSink& sink) {
  event_header header;
  if (record.size() < sizeof(header)) return false;
  std::memcpy(&header, record.data(), sizeof(header));
  switch (header.kind) {
    case EVENT_SOCKET_IDENTIFIED:
      return hand_over<event_socket>(record, sink);
    case EVENT_SOCKET_CHANGED:
      return hand_over<event_transition>(record, sink);
    case EVENT_SOCKET_CLOSED:
      return hand_over<event_closed>(record, sink);
    case EVENT_SOCKET_ACCEPTED:
      return hand_over<event_accepted>(record, sink);
    case EVENT_CONNECT_FAILED:
      return hand_over<event_connect_failed>(record, sink);
    case EVENT_TIME_WAIT:
    case EVENT_TIME_WAIT_ENDED:
      return hand_over<event_time_wait>(record, sink);
    case EVENT_PROCESS_FORKED:
    case EVENT_PROCESS_EXITED:
      return hand_over<event_process>(record, sink);
    case EVENT_PROCESS_EXECUTED:
      return hand_over_exec(record, sink);
    case EVENT_DATAGRAM_OPENED:
    case EVENT_DATAGRAM_CLOSED:
    case EVENT_PACKET_SOCKET_USED:
      return hand_over<event_datagram_socket>(record, sink);
    case EVENT_DNS:
      return hand_over_dns(record, sink);
    case EVENT_UNIX_CONNECTED:
    case EVENT_UNIX_ACCEPTED:
    case EVENT_UNIX_LISTENING:
    case EVENT_UNIX_FAILED:
      return hand_over<event_unix>(record, sink);
    case EVENT_UNIX_LEFT:
      return hand_over<event_unix_left>(record, sink);
    default:
      return false;
  }
}

}  // namespace netrec
