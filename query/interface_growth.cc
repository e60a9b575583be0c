#include "query/interface_growth.h"

#include <fmt/format.h>

#include <algorithm>

namespace netrec {

namespace {

enum class Way { in, out };

struct Watched {
  std::uint64_t Interface::*counter;
  std::string_view field;
  Way way;
  std::string_view what;
  std::string_view hint;
};

// The sums first, then their parts.
constexpr Watched kWatched[] = {
    {&Interface::receive_errors, "receive_errors", Way::in, "bad packets received",
     "cable, transceiver or the other end's settings"},
    {&Interface::receive_dropped, "receive_dropped", Way::in, "packets dropped on receipt",
     "the host could not keep up, or had no use for them"},
    {&Interface::transmit_errors, "transmit_errors", Way::out, "packets that could not be sent",
     "link or driver"},
    {&Interface::transmit_dropped, "transmit_dropped", Way::out, "packets dropped on their way out",
     "the queue was full: more was sent than the link takes"},
    {&Interface::collisions, "collisions", Way::out, "collisions", "a half-duplex link"},
    {&Interface::receive_over_errors, "receive_over_errors", Way::in, "overruns of the ring",
     "the card's ring is too small for the bursts (ethtool -G)"},
    {&Interface::receive_missed_errors, "receive_missed_errors", Way::in, "packets the card missed",
     "the card's ring is too small for the bursts (ethtool -G)"},
    {&Interface::receive_crc_errors, "receive_crc_errors", Way::in, "packets with a bad checksum",
     "cable or transceiver"},
    {&Interface::receive_frame_errors, "receive_frame_errors", Way::in, "packets with bad framing",
     "cable, or duplex that does not match"},
    {&Interface::receive_length_errors, "receive_length_errors", Way::in,
     "packets of a wrong length", "MTUs that do not match"},
    {&Interface::transmit_carrier_errors, "transmit_carrier_errors", Way::out,
     "packets lost for want of a carrier", "the link went away"},
    {&Interface::receive_no_handler, "receive_no_handler", Way::in, "packets no protocol wanted",
     "traffic that is not for this host, seldom a fault"},
};

std::uint64_t growth_of(const InterfacePair& pair, std::uint64_t Interface::*counter) {
  if (pair.after == nullptr) return 0;
  // One that came in between began at 0 with it.
  return growth(pair.before == nullptr ? 0 : pair.before->*counter, pair.after->*counter);
}

}  // namespace

std::uint64_t growth(std::uint64_t before, std::uint64_t after) {
  return after >= before ? after - before : after;
}

std::vector<InterfacePair> pair_interfaces(const Snapshot& before, const Snapshot& after) {
  std::vector<InterfacePair> pairs;
  for (const Interface& now : after.of<Interface>())
    pairs.push_back({before.of<Interface>().find(key_of(now)), &now});
  for (const Interface& then : before.of<Interface>())
    if (after.of<Interface>().find(key_of(then)) == nullptr) pairs.push_back({&then, nullptr});
  std::sort(pairs.begin(), pairs.end(), [](const InterfacePair& a, const InterfacePair& b) {
    const auto key = [](const InterfacePair& p) {
      return key_of(p.after != nullptr ? *p.after : *p.before);
    };
    return key(a) < key(b);
  });
  return pairs;
}

std::vector<Trouble> troubles(const InterfacePair& pair) {
  std::vector<Trouble> found;
  for (const Watched& watched : kWatched) {
    const std::uint64_t count = growth_of(pair, watched.counter);
    if (count == 0) continue;
    const std::uint64_t passed = growth_of(
        pair, watched.way == Way::in ? &Interface::receive_packets : &Interface::transmit_packets);
    const double all = static_cast<double>(passed + count);
    found.push_back({.field = watched.field,
                     .what = watched.what,
                     .hint = watched.hint,
                     .count = count,
                     .percent = 100 * static_cast<double>(count) / all});
  }
  return found;
}

std::string interface_name(const Interface& interface, const Snapshot& names) {
  const std::string_view name = names.text(interface.name);
  return name.empty() ? fmt::format("#{}", interface.index) : std::string(name);
}

CounterNote note_on_counter(std::string_view name) {
  // Documentation/networking/snmp_counter.rst, and RFC 4022, 4113.
  struct Known {
    std::string_view name;
    CounterNote note;
  };
  static constexpr Known kKnown[] = {
      {"Tcp.ActiveOpens", {"connections we opened"}},
      {"Tcp.PassiveOpens", {"connections we accepted"}},
      {"Tcp.AttemptFails", {"connections that never came about", true}},
      {"Tcp.EstabResets", {"connections that ended by a reset", true}},
      {"Tcp.RetransSegs", {"segments sent again", true}},
      {"Tcp.InErrs", {"bad segments received", true}},
      {"Tcp.OutRsts", {"resets sent"}},
      {"TcpExt.ListenOverflows", {"connections lost: an accept queue was full", true}},
      {"TcpExt.ListenDrops", {"connections lost at a listener", true}},
      {"TcpExt.TCPReqQFullDrop", {"connections lost: a SYN queue was full", true}},
      {"TcpExt.TCPReqQFullDoCookies", {"SYN cookies sent: a SYN queue was full", true}},
      {"TcpExt.SyncookiesSent", {"SYN cookies sent: a SYN queue was full", true}},
      {"TcpExt.TW", {"TIME_WAITs that ran out"}},
      {"TcpExt.TWRecycled", {"TIME_WAITs whose port was used again"}},
      {"TcpExt.TCPTimeWaitOverflow", {"TIME_WAITs cut short: tcp_max_tw_buckets reached", true}},
      {"TcpExt.TCPTimeouts", {"retransmission timers that fired", true}},
      {"TcpExt.TCPAbortOnTimeout", {"connections given up: no answer", true}},
      {"TcpExt.TCPAbortOnMemory", {"connections given up: out of TCP memory", true}},
      {"TcpExt.TCPAbortOnData", {"connections closed with data unread or unsent"}},
      {"TcpExt.TCPMemoryPressures", {"times TCP ran short of memory", true}},
      {"TcpExt.PruneCalled", {"receive buffers that overflowed", true}},
      {"TcpExt.TCPRcvQDrop", {"packets dropped: receive queue full", true}},
      {"TcpExt.TCPBacklogDrop", {"packets dropped: backlog full", true}},
      {"TcpExt.TCPZeroWindowDrop", {"packets dropped: our window was closed", true}},
      {"Udp.InErrors", {"datagrams lost on receipt", true}},
      {"Udp.RcvbufErrors", {"datagrams lost: a receive buffer was full", true}},
      {"Udp.SndbufErrors", {"datagrams lost: a send buffer was full", true}},
      {"Udp.NoPorts", {"datagrams to a port nobody listened on"}},
      {"Udp.InCsumErrors", {"datagrams with a bad checksum", true}},
      {"Udp6RcvbufErrors", {"datagrams lost: a receive buffer was full", true}},
      {"Udp6InErrors", {"datagrams lost on receipt", true}},
      {"Ip.InDiscards", {"packets dropped on receipt, though sound", true}},
      {"Ip.OutDiscards", {"packets dropped on sending, though sound", true}},
      {"Ip.OutNoRoutes", {"packets without a route", true}},
      {"Ip.ReasmFails", {"fragments that could not be put together", true}},
      {"Ip.InHdrErrors", {"packets with a bad header", true}},
      {"Ip.InAddrErrors", {"packets for an address that is not ours", true}},
  };
  const auto* found = std::find_if(std::begin(kKnown), std::end(kKnown),
                                   [&](const Known& known) { return known.name == name; });
  return found == std::end(kKnown) ? CounterNote{} : found->note;
}

}  // namespace netrec
