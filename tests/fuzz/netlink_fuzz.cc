// layer: recorder
// Everything decoded from netlink and from /proc/net's socket tables. The first byte chooses the
// decoder, the rest is what it reads.
#include "recorder/netlink.h"

#include <array>

#include "recorder/interfaces.h"
#include "recorder/proc_sockets.h"
#include "recorder/sock_diag_inet.h"
#include "recorder/sock_diag_packet.h"
#include "recorder/sock_diag_unix.h"
#include "recorder/sock_diag_vsock.h"

namespace netrec {
namespace {

// Looks at every byte it is given, so that a sanitizer does too.
class Sockets final : public SocketSink {
 public:
  std::uint32_t text(std::string_view bytes) override {
    for (const char byte : bytes) sum += static_cast<unsigned char>(byte);
    return static_cast<std::uint32_t>(bytes.size());
  }
  void see(const Socket& observed) override { sum += observed.cookie; }
  std::uint64_t sum = 0;
};

class Links final : public InterfaceSink {
 public:
  std::uint32_t text(std::string_view bytes) override {
    return static_cast<std::uint32_t>(bytes.size());
  }
  void see(const Interface&) override {}
};

struct DiagDecoder {
  bool (*decode)(Bytes, const DecodeContext&, Socket&);
  SocketKind kind;
};

constexpr std::array kDecoders = {
    DiagDecoder{decode_inet, {Transport::tcp, Family::inet}},
    DiagDecoder{decode_inet, {Transport::tcp, Family::inet6}},
    DiagDecoder{decode_inet, {Transport::udp, Family::inet}},
    DiagDecoder{decode_inet, {Transport::mptcp, Family::inet6}},
    DiagDecoder{decode_unix, {Transport::unix, Family::unix}},
    DiagDecoder{decode_packet, {Transport::packet, Family::packet}},
    DiagDecoder{decode_vsock, {Transport::vsock, Family::vsock}},
};

// The decoder as a dump would call it.
class Messages final : public MessageSink {
 public:
  Messages(const DiagDecoder& decoder, Sockets& sockets) : decoder_(decoder), sockets_(sockets) {}
  bool message(Bytes payload, std::uint64_t received_us) override {
    const DecodeContext context{.kind = decoder_.kind,
                                .network_namespace = 1,
                                .received_us = received_us,
                                .texts = sockets_,
                                .congestion = congestion_};
    Socket row;
    const bool understood = decoder_.decode(payload, context, row);
    if (understood) sockets_.see(row);
    return understood;
  }

 private:
  const DiagDecoder& decoder_;
  Sockets& sockets_;
  LastText congestion_;
};

void decode(unsigned choice, Bytes bytes) {
  Sockets sockets;
  if (choice < kDecoders.size()) {
    Messages(kDecoders[choice], sockets).message(bytes, 1'700'000'000'000'000);
  } else if (choice == kDecoders.size()) {
    Links links;
    Interface row;
    decode_interface(bytes, links, row);
  } else if (choice == kDecoders.size() + 1) {
    Messages messages(kDecoders[0], sockets);
    DumpReport report;
    walk_datagram(bytes, 1, 20, 1'700'000'000'000'000, messages, report);
  } else {
    LastText unused;
    const DecodeContext context{
        .kind = {Transport::raw, choice % 2 == 0 ? Family::inet : Family::inet6},
        .network_namespace = 1,
        .received_us = 0,
        .texts = sockets,
        .congestion = unused};
    decode_proc_table(as_text(bytes), context, sockets);
  }
}

}  // namespace
}  // namespace netrec

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size == 0) return 0;
  netrec::decode(bytes[0] % 11u, std::as_bytes(std::span(bytes + 1, size - 1)));
  return 0;
}
