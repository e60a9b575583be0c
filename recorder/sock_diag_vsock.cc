#include "recorder/sock_diag_vsock.h"

#include <linux/vm_sockets_diag.h>
#include <sys/socket.h>

namespace netrec {

std::vector<std::byte> vsock_request() {
  vsock_diag_req request{};
  request.sdiag_family = AF_VSOCK;
  request.vdiag_states = ~0U;
  std::vector<std::byte> bytes(sizeof request);
  std::memcpy(bytes.data(), &request, sizeof request);
  return bytes;
}

bool decode_vsock(Bytes payload, const DecodeContext& context, Socket& row) {
  if (payload.size() < sizeof(vsock_diag_msg)) return false;
  const auto message = read_as<vsock_diag_msg>(payload);
  if (message.vdiag_family != AF_VSOCK) return false;
  row = Socket{};
  row.cookie = cookie_of(message.vdiag_cookie);
  row.family = Family::vsock;
  row.transport = Transport::vsock;
  row.network_namespace = context.network_namespace;
  row.type = message.vdiag_type;
  row.state = static_cast<TcpState>(message.vdiag_state);
  row.shutdown = message.vdiag_shutdown;
  row.inode = message.vdiag_ino;
  row.local = {.high = message.vdiag_src_port, .low = message.vdiag_src_cid};
  row.remote = {.high = message.vdiag_dst_port, .low = message.vdiag_dst_cid};
  row.local_port = static_cast<std::uint16_t>(message.vdiag_src_port);
  row.remote_port = static_cast<std::uint16_t>(message.vdiag_dst_port);
  return true;
}

}  // namespace netrec
