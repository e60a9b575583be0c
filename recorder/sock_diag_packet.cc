#include "recorder/sock_diag_packet.h"

#include <linux/if_packet.h>
#include <linux/packet_diag.h>
#include <sys/socket.h>

namespace netrec {

namespace {

// The memberships of the socket (packet(7), PACKET_ADD_MEMBERSHIP), promiscuous mode among them.
bool asks_for_promiscuous(Bytes memberships) {
  for (; memberships.size() >= sizeof(packet_diag_mclist);
       memberships = memberships.subspan(sizeof(packet_diag_mclist)))
    if (read_as<packet_diag_mclist>(memberships).pdmc_type == PACKET_MR_PROMISC) return true;
  return false;
}

void decode_attribute(const Attribute& attribute, Socket& row) {
  switch (attribute.type) {
    case PACKET_DIAG_INFO:
      row.interface = read_as<packet_diag_info>(attribute.bytes).pdi_index;
      break;
    case PACKET_DIAG_MCLIST:
      if (asks_for_promiscuous(attribute.bytes))
        row.flags |= static_cast<std::uint8_t>(SocketFlag::promiscuous);
      break;
    case PACKET_DIAG_UID:
      row.uid = read_as<std::uint32_t>(attribute.bytes);
      break;
    case PACKET_DIAG_MEMINFO:
      decode_memory(attribute.bytes, row);
      row.receive_queue = row.receive_memory;
      row.send_queue = row.send_memory;
      break;
    default:
      break;
  }
}

}  // namespace

std::vector<std::byte> packet_request() {
  packet_diag_req request{};
  request.sdiag_family = AF_PACKET;
  request.pdiag_show = PACKET_SHOW_INFO | PACKET_SHOW_MCLIST | PACKET_SHOW_MEMINFO;
  std::vector<std::byte> bytes(sizeof request);
  std::memcpy(bytes.data(), &request, sizeof request);
  return bytes;
}

bool decode_packet(Bytes payload, const DecodeContext& context, Socket& row) {
  if (payload.size() < sizeof(packet_diag_msg)) return false;
  const auto message = read_as<packet_diag_msg>(payload);
  if (message.pdiag_family != AF_PACKET) return false;
  row = Socket{};
  row.cookie = cookie_of(message.pdiag_cookie);
  row.family = Family::packet;
  row.transport = Transport::packet;
  row.network_namespace = context.network_namespace;
  row.type = message.pdiag_type;
  row.state = TcpState::close;
  row.protocol = message.pdiag_num;
  row.inode = message.pdiag_ino;
  return for_each_attribute(payload.subspan(sizeof(packet_diag_msg)),
                            [&](const Attribute& attribute) { decode_attribute(attribute, row); });
}

}  // namespace netrec
