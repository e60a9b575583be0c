#include "recorder/interfaces.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

namespace netrec {

namespace {

void decode_statistics(Bytes bytes, Interface& row) {
  const auto stats = read_as<rtnl_link_stats64>(bytes);
  row.receive_packets = stats.rx_packets;
  row.transmit_packets = stats.tx_packets;
  row.receive_bytes = stats.rx_bytes;
  row.transmit_bytes = stats.tx_bytes;
  row.receive_errors = stats.rx_errors;
  row.transmit_errors = stats.tx_errors;
  row.receive_dropped = stats.rx_dropped;
  row.transmit_dropped = stats.tx_dropped;
  row.multicast = stats.multicast;
  row.collisions = stats.collisions;
  row.receive_length_errors = stats.rx_length_errors;
  row.receive_over_errors = stats.rx_over_errors;
  row.receive_crc_errors = stats.rx_crc_errors;
  row.receive_frame_errors = stats.rx_frame_errors;
  row.receive_fifo_errors = stats.rx_fifo_errors;
  row.receive_missed_errors = stats.rx_missed_errors;
  row.transmit_aborted_errors = stats.tx_aborted_errors;
  row.transmit_carrier_errors = stats.tx_carrier_errors;
  row.transmit_fifo_errors = stats.tx_fifo_errors;
  row.transmit_heartbeat_errors = stats.tx_heartbeat_errors;
  row.transmit_window_errors = stats.tx_window_errors;
  row.receive_no_handler = stats.rx_nohandler;
}

// Only 48-bit addresses: others (tunnels' IP addresses, InfiniBand's 20 bytes) do not fit a number.
std::uint64_t hardware_address(Bytes bytes) {
  if (bytes.size() != 6) return 0;
  std::uint64_t address = 0;
  for (const std::byte byte : bytes) address = address << 8 | static_cast<std::uint8_t>(byte);
  return address;
}

void decode_attribute(const Attribute& attribute, TextSink& texts, Interface& row) {
  switch (attribute.type) {
    case IFLA_IFNAME:
      row.name = texts.text(as_c_string(attribute.bytes));
      break;
    case IFLA_MTU:
      row.mtu = read_as<std::uint32_t>(attribute.bytes);
      break;
    case IFLA_TXQLEN:
      row.transmit_queue_length = read_as<std::uint32_t>(attribute.bytes);
      break;
    case IFLA_OPERSTATE:
      row.operational_state = read_as<std::uint8_t>(attribute.bytes);
      break;
    case IFLA_PROMISCUITY:
      row.promiscuity = read_as<std::uint32_t>(attribute.bytes);
      break;
    case IFLA_CARRIER_CHANGES:
      row.carrier_changes = read_as<std::uint32_t>(attribute.bytes);
      break;
    case IFLA_ADDRESS:
      row.hardware_address = hardware_address(attribute.bytes);
      break;
    case IFLA_STATS64:
      decode_statistics(attribute.bytes, row);
      break;
    default:
      break;
  }
}

}  // namespace

std::vector<std::byte> interfaces_request() {
  ifinfomsg request{};
  request.ifi_family = AF_UNSPEC;
  std::vector<std::byte> bytes(sizeof request);
  std::memcpy(bytes.data(), &request, sizeof request);
  return bytes;
}

bool decode_interface(Bytes payload, TextSink& texts, Interface& row) {
  if (payload.size() < sizeof(ifinfomsg)) return false;
  const auto message = read_as<ifinfomsg>(payload);
  row = Interface{};
  row.index = static_cast<std::uint32_t>(message.ifi_index);
  row.type = message.ifi_type;
  row.flags = message.ifi_flags;
  return for_each_attribute(payload.subspan(sizeof(ifinfomsg)), [&](const Attribute& attribute) {
    decode_attribute(attribute, texts, row);
  });
}

}  // namespace netrec
