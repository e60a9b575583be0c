// One netlink socket, and the dump conversation on it: a request, then messages until the kernel
// says done. What the messages mean is the business of the decoders (sock_diag_inet.h, …).
//
// Refused: libmnl's mnl_cb_run, which gives up a dump at NLM_F_DUMP_INTR (an interrupted dump is
// still worth its rows, with a gap written down) and does not tell ENOBUFS from failure.
#pragma once

#include <cstdint>
#include <vector>

#include "recorder/attributes.h"
#include "recorder/source.h"
#include "schema/result.h"

namespace netrec {

/// The kernel fills at most 32 KiB a message of a dump (linux/net/netlink/af_netlink.c,
/// max_recvmsg_len).
inline constexpr std::size_t kNetlinkBufferBytes = 64 * 1024;

/// Where a dump's messages go.
class MessageSink {
 public:
  virtual ~MessageSink() = default;
  /// One message's payload, received at `received_us` (wall clock). Returns false if it could not
  /// be understood.
  virtual bool message(Bytes payload, std::uint64_t received_us) = 0;
};

class NetlinkSocket {
 public:
  /// Opens a socket of `protocol` (NETLINK_SOCK_DIAG, …) in the calling thread's network namespace,
  /// where it stays.
  static Result<NetlinkSocket> open(int protocol);

  NetlinkSocket(NetlinkSocket&& other) noexcept : descriptor_(other.descriptor_) {
    other.descriptor_ = -1;
  }
  NetlinkSocket& operator=(NetlinkSocket&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~NetlinkSocket();

  /// SO_NETNS_COOKIE; 0 where the kernel has none (before 5.14).
  std::uint64_t namespace_cookie() const;

  /// Of messages nobody asked for: those of `group` from now on, and room for `bytes` of them that
  /// wait, if that may be had.
  Status join(int group);
  void widen(int bytes);
  int descriptor() const { return descriptor_; }
  /// Shows those of `type` that wait. Errors: io.
  Result<DumpReport> read_told(std::uint16_t type, std::vector<std::byte>& buffer,
                               MessageSink& sink);

  /// Asks with message `type` and `request`, and shows the answers of that type `answer_type`.
  /// `buffer` (kNetlinkBufferBytes) may be shared by all sockets of a thread. Errors: unsupported
  /// (the kernel has no such dump), permission, io.
  Result<DumpReport> dump(std::uint16_t type, Bytes request, std::uint16_t answer_type,
                          std::vector<std::byte>& buffer, MessageSink& sink);
  /// The same of one thing, not a dump: its answer, if any, is shown. False: there is no such
  /// thing. Errors: corrupt (what came was not understood), permission, io.
  Result<bool> ask(std::uint16_t type, Bytes request, std::uint16_t answer_type,
                   std::vector<std::byte>& buffer, MessageSink& sink);

 private:
  explicit NetlinkSocket(int descriptor) : descriptor_(descriptor) {}
  Status send_request(std::uint16_t type, std::uint16_t flags, Bytes request);
  Result<Bytes> receive(std::vector<std::byte>& buffer, DumpReport& report);

  int descriptor_ = -1;
  std::uint32_t sequence_ = 0;
};

/// Walks the messages of one datagram, for the part of a dump with number `sequence`. Apart from
/// NetlinkSocket so that it can be tried with bytes no kernel sends.
struct DatagramOutcome {
  bool done = false;
  int error = 0;  ///< errno value the kernel answered, 0 if none
};
DatagramOutcome walk_datagram(Bytes datagram, std::uint32_t sequence, std::uint16_t answer_type,
                              std::uint64_t received_us, MessageSink& sink, DumpReport& report);

}  // namespace netrec
