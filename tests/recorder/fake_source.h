// A SocketSource that shows what a test says: one namespace, TCP over IPv4 and UNIX.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "recorder/source.h"

namespace netrec {

class FakeSource final : public SocketSource {
 public:
  FakeSource() {
    place.inode = 4026531840;
    place.cookie = 1;
    place.name = "own";
    place.own = true;
  }

  Status find_namespaces() override { return {}; }
  std::span<const NamespaceFacts> namespaces() const override { return {&place, 1}; }

  Result<DumpReport> dump(std::uint32_t, std::uint32_t id, SocketKind kind,
                          SocketSink& sink) override {
    if (refuses) return failure(ErrorKind::unsupported, "not here");
    ++dumped;
    DumpReport report = show_if(id, sink, [kind](const Socket& row) {
      return row.transport == kind.transport && row.family == kind.family;
    });
    report.interrupted = interrupted;
    return report;
  }

  Result<DumpReport> listeners(std::uint32_t, std::uint32_t id, Family family,
                               SocketSink& sink) override {
    ++asked_for_listeners;
    return show_if(id, sink, [family](const Socket& row) {
      return row.family == family && row.state == TcpState::listen;
    });
  }
  Result<DumpReport> ask(std::uint32_t, std::uint32_t id, std::span<const SocketQuestion> questions,
                         SocketSink& sink) override {
    DumpReport report;
    for (const SocketQuestion& question : questions) {
      asked.push_back(question);
      report.count +=
          show_if(id, sink, [&question](const Socket& row) {
            return row.remote_port == question.remote_port && row.local_port == question.local_port;
          }).count;
    }
    return report;
  }

  Result<DumpReport> ended(std::uint32_t, std::uint32_t id, SocketSink& sink) override {
    DumpReport report{.overrun = std::exchange(lost_ends, false)};
    for (Socket row : std::exchange(ends, {})) {
      row.network_namespace = id;
      sink.see(row);
      ++report.count;
    }
    return report;
  }
  bool tells_ends() const override { return watches_ends; }
  int bell() const override { return -1; }

  Result<DumpReport> interfaces(std::uint32_t, std::uint32_t id, InterfaceSink& sink) override {
    Interface row{.network_namespace = id, .index = 1, .name = sink.text("lo"), .mtu = 65536};
    row.receive_packets = received;
    sink.see(row);
    return DumpReport{.count = 1};
  }

  Result<std::span<const CounterValue>> counters(std::uint32_t) override {
    values = {{"Tcp.ActiveOpens", received}, {"Tcp.RetransSegs", 3}};
    return std::span<const CounterValue>(values);
  }

  NamespaceFacts place;
  std::vector<SocketQuestion> asked;  ///< of which connections
  int asked_for_listeners = 0;
  int dumped = 0;
  std::vector<Socket> sockets;
  std::vector<Socket> ends;
  bool watches_ends = false;
  bool lost_ends = false;
  std::vector<CounterValue> values;
  std::uint64_t received = 0;
  bool interrupted = false;
  bool refuses = false;

 private:
  template <class Wanted>
  DumpReport show_if(std::uint32_t id, SocketSink& sink, Wanted wanted) {
    DumpReport report;
    for (Socket row : sockets) {
      if (!wanted(row)) continue;
      row.network_namespace = id;
      row.path = row.transport == Transport::unix ? sink.text("/run/fake.socket") : 0;
      sink.see(row);
      ++report.count;
    }
    return report;
  }
};

/// An established TCP connection over IPv4; nobody's (inode 0).
inline Socket fake_tcp(std::uint64_t cookie) {
  Socket row{};
  row.cookie = cookie;
  row.family = Family::inet;
  row.transport = Transport::tcp;
  row.state = TcpState::established;
  row.local = {.low = 0x0a000001};
  row.remote = {.low = 0x0a000002};
  row.local_port = 443;
  row.remote_port = static_cast<std::uint16_t>(1024 + cookie % 60000);
  return row;
}

}  // namespace netrec
