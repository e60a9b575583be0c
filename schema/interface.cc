#include "schema/interface.h"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace netrec {

std::string interface_flags_text(std::uint32_t flags) {
  // Values of linux/if.h.
  constexpr std::pair<std::uint32_t, std::string_view> kFlags[] = {
      {1u << 0, "UP"},         {1u << 1, "BROADCAST"},   {1u << 2, "DEBUG"},
      {1u << 3, "LOOPBACK"},   {1u << 4, "POINTOPOINT"}, {1u << 5, "NOTRAILERS"},
      {1u << 6, "RUNNING"},    {1u << 7, "NOARP"},       {1u << 8, "PROMISC"},
      {1u << 9, "ALLMULTI"},   {1u << 10, "MASTER"},     {1u << 11, "SLAVE"},
      {1u << 12, "MULTICAST"}, {1u << 13, "PORTSEL"},    {1u << 14, "AUTOMEDIA"},
      {1u << 15, "DYNAMIC"},   {1u << 16, "LOWER_UP"},   {1u << 17, "DORMANT"},
      {1u << 18, "ECHO"}};
  std::string text;
  for (const auto& [bit, word] : kFlags) {
    if ((flags & bit) == 0) continue;
    if (!text.empty()) text += ' ';
    text += word;
    flags &= ~bit;
  }
  if (flags != 0) text += fmt::format("{}0x{:x}", text.empty() ? "" : " ", flags);
  return text;
}

std::string_view operational_state_name(std::uint32_t state) {
  constexpr std::array<std::string_view, 7> kNames = {
      "unknown", "notpresent", "down", "lowerlayerdown", "testing", "dormant", "up"};
  return state < kNames.size() ? kNames[state] : "unknown";
}

// NOLINTNEXTLINE(readability-function-size): a line for each field.
std::span<const Field<Interface>> EntityTraits<Interface>::fields() {
#define F(member, name, kind, about) NETREC_FIELD(Interface, member, name, kind, about)
  static constexpr Field<Interface> kFields[] = {
      F(network_namespace, "network_namespace", reference, "Network namespace"),
      F(index, "interface_index", identity, "Interface index"),
      F(name, "name", text, "Interface name"),
      F(mtu, "mtu", number, "Largest packet, bytes"),
      F(flags, "flags", code, "IFF_* bits (netdevice(7))"),
      F(type, "type", code, "ARPHRD_* hardware type"),
      F(promiscuity, "promiscuity", number, "How many asked for promiscuous mode"),
      F(operational_state, "operational_state", code, "RFC 2863: 2 down, 6 up, 0 unknown"),
      F(carrier_changes, "carrier_changes", counter, "Times the link went up or down"),
      F(transmit_queue_length, "transmit_queue_length", number,
        "Length of the transmit queue, packets"),
      F(hardware_address, "hardware_address", identity, "MAC address as a number"),
      F(receive_packets, "receive_packets", counter, "RX-OK: packets received"),
      F(transmit_packets, "transmit_packets", counter, "TX-OK: packets sent"),
      F(receive_bytes, "receive_bytes", counter, "Bytes received"),
      F(transmit_bytes, "transmit_bytes", counter, "Bytes sent"),
      F(receive_errors, "receive_errors", counter, "RX-ERR: bad packets received"),
      F(transmit_errors, "transmit_errors", counter, "TX-ERR: packets that could not be sent"),
      F(receive_dropped, "receive_dropped", counter, "RX-DRP: packets received and dropped"),
      F(transmit_dropped, "transmit_dropped", counter, "TX-DRP: packets dropped on their way out"),
      F(multicast, "multicast", counter, "Multicast packets received"),
      F(collisions, "collisions", counter, "Collisions"),
      F(receive_length_errors, "receive_length_errors", counter,
        "Part of receive_errors: wrong length"),
      F(receive_over_errors, "receive_over_errors", counter, "RX-OVR: receiver ring overflowed"),
      F(receive_crc_errors, "receive_crc_errors", counter, "Part of receive_errors: bad checksum"),
      F(receive_frame_errors, "receive_frame_errors", counter,
        "Part of receive_errors: bad framing"),
      F(receive_fifo_errors, "receive_fifo_errors", counter,
        "Part of receive_errors: FIFO overrun"),
      F(receive_missed_errors, "receive_missed_errors", counter, "Packets the card missed"),
      F(transmit_aborted_errors, "transmit_aborted_errors", counter,
        "Part of transmit_errors: aborted"),
      F(transmit_carrier_errors, "transmit_carrier_errors", counter,
        "Part of transmit_errors: no carrier"),
      F(transmit_fifo_errors, "transmit_fifo_errors", counter,
        "Part of transmit_errors: FIFO underrun"),
      F(transmit_heartbeat_errors, "transmit_heartbeat_errors", counter,
        "Part of transmit_errors: heartbeat"),
      F(transmit_window_errors, "transmit_window_errors", counter,
        "Part of transmit_errors: late collision"),
      F(receive_no_handler, "receive_no_handler", counter, "Packets no protocol wanted"),
  };
#undef F
  return kFields;
}

// NOLINTNEXTLINE(readability-function-size): a line for each field.
std::span<const Field<Counter>> EntityTraits<Counter>::fields() {
#define F(member, name, kind, about) NETREC_FIELD(Counter, member, name, kind, about)
  static constexpr Field<Counter> kFields[] = {
      F(id, "id", identity, "Never reused in a file"),
      F(network_namespace, "network_namespace", reference, "Network namespace"),
      F(name, "name", text, "As nstat prints it: group and counter"),
      F(value, "value", counter, "Its value"),
  };
#undef F
  return kFields;
}

}  // namespace netrec
