#include "recorder/sock_diag_unix.h"

#include <linux/unix_diag.h>
#include <sys/socket.h>

namespace netrec {

namespace {

void decode_attribute(const Attribute& attribute, const DecodeContext& context, Socket& row) {
  switch (attribute.type) {
    case UNIX_DIAG_NAME:
      row.path = context.texts.text(printable_unix_name(as_text(attribute.bytes)));
      break;
    case UNIX_DIAG_PEER:
      row.peer_inode = read_as<std::uint32_t>(attribute.bytes);
      break;
    case UNIX_DIAG_RQLEN: {
      const auto queues = read_as<unix_diag_rqlen>(attribute.bytes);
      row.receive_queue = queues.udiag_rqueue;
      row.send_queue = queues.udiag_wqueue;
      break;
    }
    case UNIX_DIAG_MEMINFO:
      decode_memory(attribute.bytes, row);
      break;
    case UNIX_DIAG_SHUTDOWN:
      row.shutdown = read_as<std::uint8_t>(attribute.bytes);
      break;
    case UNIX_DIAG_UID:
      row.uid = read_as<std::uint32_t>(attribute.bytes);
      break;
    default:
      break;
  }
}

}  // namespace

// Paths end in a NUL that counts, abstract names begin with one and end where they end.
std::string printable_unix_name(std::string_view name) {
  std::string path(name);
  if (path.empty()) return path;
  if (path.front() == '\0') {
    path.front() = '@';
    return path;
  }
  return path.substr(0, path.find('\0'));
}

std::vector<std::byte> unix_request() {
  unix_diag_req request{};
  request.sdiag_family = AF_UNIX;
  request.udiag_states = ~0U;
  request.udiag_show =
      UDIAG_SHOW_NAME | UDIAG_SHOW_PEER | UDIAG_SHOW_RQLEN | UDIAG_SHOW_MEMINFO | UDIAG_SHOW_UID;
  std::vector<std::byte> bytes(sizeof request);
  std::memcpy(bytes.data(), &request, sizeof request);
  return bytes;
}

bool decode_unix(Bytes payload, const DecodeContext& context, Socket& row) {
  if (payload.size() < sizeof(unix_diag_msg)) return false;
  const auto message = read_as<unix_diag_msg>(payload);
  if (message.udiag_family != AF_UNIX) return false;
  row = Socket{};
  row.cookie = cookie_of(message.udiag_cookie);
  row.family = Family::unix;
  row.transport = Transport::unix;
  row.network_namespace = context.network_namespace;
  row.type = message.udiag_type;
  row.state = static_cast<TcpState>(message.udiag_state);
  row.inode = message.udiag_ino;
  return for_each_attribute(
      payload.subspan(sizeof(unix_diag_msg)),
      [&](const Attribute& attribute) { decode_attribute(attribute, context, row); });
}

}  // namespace netrec
