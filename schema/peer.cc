#include "schema/peer.h"

namespace netrec {

// NOLINTNEXTLINE(readability-function-size): a line for each field.
std::span<const Field<Peer>> EntityTraits<Peer>::fields() {
#define F(member, name, kind, about) NETREC_FIELD(Peer, member, name, kind, about)
  static constexpr Field<Peer> kFields[] = {
      F(id, "id", identity, "Never reused in a file"),
      F(socket, "socket", identity, "Cookie of the socket"),
      F(network_namespace, "network_namespace", reference, "Network namespace"),
      F(process, "process", reference, "The program"),
      F(family, "family", code, "Address family: 2 inet, 10 inet6, 17 packet"),
      F(transport, "transport", code, "As in socket.transport"),
      F(protocol, "protocol", identity, "Raw: IP protocol number; packet: ethertype"),
      F(interface, "interface", identity, "Packet sockets: interface index"),
      F(local.high, "local_high", identity, "First 8 bytes of an IPv6 local address"),
      F(local.low, "local_low", identity, "Local address: IPv4, or the last 8 bytes of IPv6"),
      F(local_port, "local_port", identity, "Local port"),
      F(remote.high, "remote_high", identity, "First 8 bytes of an IPv6 remote address"),
      F(remote.low, "remote_low", identity, "Remote address: IPv4, or the last 8 bytes of IPv6"),
      F(remote_port, "remote_port", identity, "Remote port"),
      F(remote_name, "remote_name", text, "Name that led to the address"),
      F(first_us, "first_us", instant_us, "First packet"),
      F(last_us, "last_us", instant_us, "Last packet"),
      F(packets_sent, "packets_sent", counter, "Packets sent"),
      F(packets_received, "packets_received", counter, "Packets received"),
      F(bytes_sent, "bytes_sent", counter, "Payload bytes sent"),
      F(bytes_received, "bytes_received", counter, "Payload bytes received"),
  };
#undef F
  return kFields;
}

// NOLINTNEXTLINE(readability-function-size): a line for each field.
std::span<const Field<Resolution>> EntityTraits<Resolution>::fields() {
#define F(member, name, kind, about) NETREC_FIELD(Resolution, member, name, kind, about)
  static constexpr Field<Resolution> kFields[] = {
      F(id, "id", identity, "Never reused in a file"),
      F(name, "name", text, "Name asked for"),
      F(network_namespace, "network_namespace", reference, "Network namespace"),
      F(process, "process", reference, "The program that asked"),
      F(query_type, "query_type", code, "RFC 1035 QTYPE: 1 A, 28 AAAA"),
      F(response_code, "response_code", code, "RFC 1035 RCODE: 0 answered, 3 no such name"),
      F(family, "family", code, "Family of the address; 0: none was given"),
      F(address.high, "address_high", identity, "First 8 bytes of an IPv6 address"),
      F(address.low, "address_low", identity, "Address: IPv4, or the last 8 bytes of IPv6"),
      F(ttl_s, "ttl_s", number, "Time to live, seconds"),
      F(answered_us, "answered_us", instant_us, "When the answer came"),
  };
#undef F
  return kFields;
}

}  // namespace netrec
