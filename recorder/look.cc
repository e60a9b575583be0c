#include "recorder/look.h"

#include "recorder/procfs.h"

namespace netrec {

namespace {

// A namespace that lived shorter is not seen by polling; finding them costs a readlink a process.
constexpr std::chrono::seconds kSurroundingsEvery{2};

std::uint64_t question(std::uint32_t id, SocketKind kind) {
  return std::uint64_t{id} << 16 | std::uint64_t{static_cast<std::uint8_t>(kind.transport)} << 8 |
         static_cast<std::uint8_t>(kind.family);
}

}  // namespace

Look::Look(SocketSource& source, Observer& observer, Clock& clock, LookOptions options)
    : source_(source), observer_(observer), clock_(clock), options_(options) {}

void Look::start_over() {
  refused_.clear();
  surroundings_due_ = std::chrono::nanoseconds(0);
}

void Look::surroundings() {
  const Instant now = clock_.now();
  if (now.monotonic < surroundings_due_) return;
  surroundings_due_ = now.monotonic + kSurroundingsEvery;
  if (const Status found = source_.find_namespaces(); !found) {
    observer_.gap({.cause = GapCause::namespace_unreadable,
                   .from = now.wall,
                   .to = clock_.now().wall,
                   .detail = found.error().message});
    return;
  }
  const NamespaceNews news = observer_.surroundings().namespaces(source_.namespaces());
  for (const std::uint32_t id : news.gone) observer_.sockets().namespace_gone(id);
  for (const UnreadableNamespace& unreadable : news.unreadable)
    observer_.gap({.cause = GapCause::namespace_unreadable,
                   .from = now.wall,
                   .network_namespace = unreadable.id,
                   .detail = unreadable.why});
  tell_users();
}

void Look::tell_users() {
  if (const auto users = read_users()) observer_.surroundings().users(*users);
}

LookDepth Look::sockets(LookDepth depth) {
  const bool is_quick = depth == LookDepth::quick && quick_ && quick_->look();
  for (const NamespaceFacts& place : source_.namespaces()) {
    const std::uint32_t id = observer_.surroundings().namespace_id(place.inode);
    if (!place.readable() || id == 0) continue;
    const bool tcp_is_done = is_quick && quick_->showed(place);
    for (const SocketKind kind : socket_kinds()) {
      if (!options_.unix_sockets && kind.transport == Transport::unix) continue;
      if (!tcp_is_done || kind.transport != Transport::tcp) dump(place, id, kind);
    }
  }
  return is_quick ? LookDepth::quick : LookDepth::full;
}

void Look::unix_sockets() {
  if (!options_.unix_sockets) return;
  for (const NamespaceFacts& place : source_.namespaces()) {
    const std::uint32_t id = observer_.surroundings().namespace_id(place.inode);
    if (place.readable() && id != 0)
      dump(place, id, {.transport = Transport::unix, .family = Family::unix});
  }
}

void Look::dump(const NamespaceFacts& place, std::uint32_t id, SocketKind kind) {
  if (refused_.contains(question(id, kind))) return;
  const Instant began = clock_.now();
  Sockets& sockets = observer_.sockets();
  sockets.begin_part(id, kind);
  const Result<DumpReport> report = source_.dump(place.inode, id, kind, sockets);
  sockets.end_part(report && report->whole());
  if (report)
    note(id, kind, *report, began);
  else
    note_refusal(id, kind, report.error());
}

void Look::note(std::uint32_t id, SocketKind kind, const DumpReport& report, const Instant& began) {
  if (report.whole()) return;
  const GapCause cause = report.interrupted ? GapCause::dump_interrupted : GapCause::buffer_overrun;
  observer_.gap({.cause = report.broken != 0 ? GapCause::unsupported : cause,
                 .from = began.wall,
                 .to = clock_.now().wall,
                 .count = report.broken,
                 .network_namespace = id,
                 .detail = to_string(kind)});
}

void Look::note_refusal(std::uint32_t id, SocketKind kind, const Error& error) {
  const Instant now = clock_.now();
  const std::string detail = to_string(kind) + ": " + error.message;
  if (error.kind == ErrorKind::unsupported || error.kind == ErrorKind::permission) {
    refused_.insert(question(id, kind));
    // What the kernel does not have it has in no namespace: that is told once.
    if (error.kind == ErrorKind::unsupported && !refused_.insert(question(0, kind)).second) return;
    observer_.gap({.cause = error.kind == ErrorKind::permission ? GapCause::not_privileged
                                                                : GapCause::unsupported,
                   .from = now.wall,
                   .network_namespace = error.kind == ErrorKind::unsupported ? 0 : id,
                   .detail = detail});
    return;
  }
  // The namespace may have gone since it was found; then the next look at the surroundings tells.
  if (error.kind == ErrorKind::not_found) {
    surroundings_due_ = std::chrono::nanoseconds(0);
    return;
  }
  observer_.gap({.cause = GapCause::buffer_overrun,
                 .from = now.wall,
                 .to = now.wall,
                 .network_namespace = id,
                 .detail = detail});
}

void Look::interfaces_and_counters() {
  Surroundings& surroundings = observer_.surroundings();
  for (const NamespaceFacts& place : source_.namespaces()) {
    const std::uint32_t id = surroundings.namespace_id(place.inode);
    if (!place.readable() || id == 0) continue;
    if (options_.interfaces) {
      surroundings.begin_interfaces(id);
      const auto report = source_.interfaces(place.inode, id, surroundings);
      surroundings.end_interfaces(report && report->whole());
    }
    if (options_.counters)
      if (const auto values = source_.counters(place.inode)) surroundings.counters(id, *values);
  }
}

}  // namespace netrec
