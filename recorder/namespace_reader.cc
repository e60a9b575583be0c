#include "recorder/namespace_reader.h"

#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>
#include <thread>

#include "recorder/interfaces.h"
#include "recorder/kernel_protocols.h"
#include "recorder/proc_sockets.h"
#include "recorder/sock_diag_inet.h"
#include "recorder/sock_diag_packet.h"
#include "recorder/sock_diag_unix.h"
#include "recorder/sock_diag_vsock.h"

namespace netrec {

namespace {

using Decoder = bool (*)(Bytes, const DecodeContext&, Socket&);

struct DiagKind {
  std::vector<std::byte> request;
  Decoder decode;
};

DiagKind diag_of(SocketKind kind) {
  switch (kind.transport) {
    case Transport::unix:
      return {unix_request(), decode_unix};
    case Transport::packet:
      return {packet_request(), decode_packet};
    case Transport::vsock:
      return {vsock_request(), decode_vsock};
    default:
      return {inet_request(kind), decode_inet};
  }
}

class DiagMessages final : public MessageSink {
 public:
  DiagMessages(Decoder decode, SocketKind kind, std::uint32_t id, SocketSink& sink)
      : decode_(decode),
        sink_(sink),
        context_{.kind = kind,
                 .network_namespace = id,
                 .received_us = 0,
                 .texts = sink,
                 .congestion = congestion_} {}

  bool message(Bytes payload, std::uint64_t received_us) override {
    context_.received_us = received_us;
    if (!decode_(payload, context_, row_)) return false;
    sink_.see(row_);
    return true;
  }

 private:
  Decoder decode_;
  SocketSink& sink_;
  LastText congestion_;
  DecodeContext context_;
  Socket row_;
};

// Where a connection is not there, the kernel answers with who listens at its port.
class Connections final : public SocketSink {
 public:
  explicit Connections(SocketSink& sink) : sink_(sink) {}
  std::uint32_t text(std::string_view bytes) override { return sink_.text(bytes); }
  void see(const Socket& observed) override {
    if (observed.state != TcpState::listen) sink_.see(observed);
  }

 private:
  SocketSink& sink_;
};

class LinkMessages final : public MessageSink {
 public:
  LinkMessages(std::uint32_t id, InterfaceSink& sink) : id_(id), sink_(sink) {}

  bool message(Bytes payload, std::uint64_t) override {
    Interface row;
    if (!decode_interface(payload, sink_, row)) return false;
    row.network_namespace = id_;
    sink_.see(row);
    return true;
  }

 private:
  std::uint32_t id_;
  InterfaceSink& sink_;
};

std::size_t place_of(SocketKind kind) {
  const auto kinds = socket_kinds();
  return static_cast<std::size_t>(std::find(kinds.begin(), kinds.end(), kind) - kinds.begin());
}

// Moves the calling thread into the namespace at `path`.
Status enter(const std::string& path, std::uint32_t inode) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return tl::unexpected(system_error(errno, "open " + path));
  struct stat status {};
  Status outcome;
  if (fstat(descriptor, &status) != 0)
    outcome = tl::unexpected(system_error(errno, "stat " + path));
  else if (status.st_ino != inode)
    outcome = failure(ErrorKind::not_found, "{} is another namespace by now", path);
  else if (setns(descriptor, CLONE_NEWNET) != 0)
    outcome = tl::unexpected(system_error(errno, "enter " + path));
  ::close(descriptor);
  return outcome;
}

// Some 10 000 of the kernel's messages; unprivileged it is what net.core.rmem_max allows.
constexpr int kEndsBuffer = 32 << 20;

Result<NetlinkSocket> listen_for_ends() {
  NETREC_TRY(told, NetlinkSocket::open(NETLINK_SOCK_DIAG));
  told.widen(kEndsBuffer);
  for (const int group : {SKNLGRP_INET_TCP_DESTROY, SKNLGRP_INET_UDP_DESTROY,
                          SKNLGRP_INET6_TCP_DESTROY, SKNLGRP_INET6_UDP_DESTROY})
    NETREC_CHECKED(told.join(group));
  return told;
}

std::uint64_t first_number(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t\n"), text.size()));
  std::uint64_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  text.remove_prefix(static_cast<std::size_t>(result.ptr - text.data()));
  return value;
}

}  // namespace

NamespaceReader::NamespaceReader(NetlinkSocket diag, NetlinkSocket route)
    : diag_(std::move(diag)),
      route_(std::move(route)),
      protocols_("/proc/thread-self/net/protocols"),
      raw_("/proc/thread-self/net/raw"),
      raw6_("/proc/thread-self/net/raw6"),
      icmp_("/proc/thread-self/net/icmp"),
      icmp6_("/proc/thread-self/net/icmp6"),
      snmp_("/proc/thread-self/net/snmp"),
      netstat_("/proc/thread-self/net/netstat"),
      snmp6_("/proc/thread-self/net/snmp6"),
      ports_("/proc/sys/net/ipv4/ip_local_port_range"),
      time_wait_limit_("/proc/sys/net/ipv4/tcp_max_tw_buckets"),
      table_("/proc/sys/net/ipv4/tcp_ehash_entries") {}

Result<NamespaceReader> NamespaceReader::open_here(Ends ends) {
  NETREC_TRY(diag, NetlinkSocket::open(NETLINK_SOCK_DIAG));
  NETREC_TRY(route, NetlinkSocket::open(NETLINK_ROUTE));
  NamespaceReader reader(std::move(diag), std::move(route));
  if (ends == Ends::watched)
    if (auto told = listen_for_ends()) reader.ends_ = *std::move(told);
  return reader;
}

Result<NamespaceReader> NamespaceReader::open(const std::string& path, std::uint32_t inode,
                                              Ends ends) {
  if (path.empty()) return open_here(ends);
  std::optional<Result<NamespaceReader>> opened;
  std::thread inside([&] {
    if (const Status entered = enter(path, inode); entered)
      opened.emplace(open_here(ends));
    else
      opened.emplace(tl::unexpected(entered.error()));
  });
  inside.join();
  return *std::move(opened);
}

void NamespaceReader::read_limits(NamespaceFacts& facts) {
  std::string_view ports = ports_.read(text_);
  facts.first_port = static_cast<std::uint16_t>(first_number(ports));
  facts.last_port = static_cast<std::uint16_t>(first_number(ports));
  std::string_view limit = time_wait_limit_.read(text_);
  facts.time_wait_limit = static_cast<std::uint32_t>(first_number(limit));
  // The size, negative where it is that of a shared one; older kernels have neither.
  const std::string_view places = table_.read(text_);
  facts.has_own_table = !places.empty() && !places.starts_with('-');
}

const ProcFile& NamespaceReader::table_of(SocketKind kind) const {
  const bool v6 = kind.family == Family::inet6;
  if (kind.transport == Transport::raw) return v6 ? raw6_ : raw_;
  return v6 ? icmp6_ : icmp_;
}

DumpReport NamespaceReader::dump_table(std::uint32_t id, SocketKind kind, SocketSink& sink) {
  LastText unused;
  const DecodeContext context{
      .kind = kind, .network_namespace = id, .received_us = 0, .texts = sink, .congestion = unused};
  CookieSink::Cookies& cookies = cookies_[place_of(kind)];
  CookieSink true_cookies(cookies, sink);
  const DumpReport report = decode_proc_table(table_of(kind).read(text_), context, true_cookies);
  cookies = std::move(true_cookies).found();
  return report;
}

Result<DumpReport> NamespaceReader::dump_diag(std::uint32_t id, SocketKind kind,
                                              std::vector<std::byte>& buffer, SocketSink& sink) {
  const DiagKind diag = diag_of(kind);
  DiagMessages messages(diag.decode, kind, id, sink);
  return diag_.dump(SOCK_DIAG_BY_FAMILY, diag.request, SOCK_DIAG_BY_FAMILY, buffer, messages);
}

Result<DumpReport> NamespaceReader::dump(std::uint32_t id, SocketKind kind,
                                         std::vector<std::byte>& buffer, SocketSink& sink) {
  const std::size_t place = place_of(kind);
  NETREC_CHECK(place < absent_.size(), "a kind of socket that is not in socket_kinds()");
  const bool has_table = table_of(kind).is_open() &&
                         (kind.transport == Transport::raw || kind.transport == Transport::icmp);
  if (kind.transport == Transport::icmp || (absent_[place] && has_table))
    return dump_table(id, kind, sink);
  if (absent_[place]) return DumpReport{};
  // The dump walks a table of connections yet to come, 0.7 ms for nothing; the count is 0.03 ms.
  if (kind.transport == Transport::mptcp && sockets_in_use(kind, protocols_.read(text_)) == 0)
    return DumpReport{};
  auto report = dump_diag(id, kind, buffer, sink);
  if (report || report.error().kind != ErrorKind::unsupported) return report;
  if (!has_table && sockets_in_use(kind, protocols_.read(text_))) return report;
  absent_.set(place);
  return has_table ? dump_table(id, kind, sink) : DumpReport{};
}

Result<DumpReport> NamespaceReader::listeners(std::uint32_t id, Family family,
                                              std::vector<std::byte>& buffer, SocketSink& sink) {
  const SocketKind kind{Transport::tcp, family};
  DiagMessages messages(decode_inet, kind, id, sink);
  return diag_.dump(SOCK_DIAG_BY_FAMILY, listeners_request(kind), SOCK_DIAG_BY_FAMILY, buffer,
                    messages);
}

Result<DumpReport> NamespaceReader::ask(std::uint32_t id, std::span<const SocketQuestion> questions,
                                        std::vector<std::byte>& buffer, SocketSink& sink) {
  Connections connections(sink);
  DumpReport report;
  for (const SocketQuestion& question : questions) {
    const SocketKind kind{Transport::tcp, question.family};
    DiagMessages messages(decode_inet, kind, id, connections);
    NETREC_TRY(found, diag_.ask(SOCK_DIAG_BY_FAMILY, inet_question(kind, question),
                                SOCK_DIAG_BY_FAMILY, buffer, messages));
    if (found) ++report.count;
  }
  return report;
}

Result<DumpReport> NamespaceReader::ended(std::uint32_t id, std::vector<std::byte>& buffer,
                                          SocketSink& sink) {
  if (!ends_) return DumpReport{};
  DiagMessages messages(decode_ended, {}, id, sink);
  return ends_->read_told(SOCK_DIAG_BY_FAMILY, buffer, messages);
}

Result<DumpReport> NamespaceReader::interfaces(std::uint32_t id, std::vector<std::byte>& buffer,
                                               InterfaceSink& sink) {
  LinkMessages messages(id, sink);
  return route_.dump(RTM_GETLINK, interfaces_request(), RTM_NEWLINK, buffer, messages);
}

std::span<const CounterValue> NamespaceReader::counters() {
  counters_.clear();
  counters_.add_paired(snmp_.read(text_));
  counters_.add_paired(netstat_.read(text_));
  counters_.add_single(snmp6_.read(text_));
  return counters_.values();
}

}  // namespace netrec
