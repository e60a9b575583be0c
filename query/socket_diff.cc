#include "query/socket_diff.h"

#include <algorithm>

#include "query/socket_columns.h"

namespace netrec {

namespace {

std::uint64_t growth(std::uint64_t before, std::uint64_t after) {
  return after > before ? after - before : 0;
}

/// What netstat shows. The addresses of a socket change when it is bound or connected.
bool looks_the_same(const Socket& before, const Socket& after) {
  return before.state == after.state && before.receive_queue == after.receive_queue &&
         before.send_queue == after.send_queue && before.process == after.process &&
         before.local == after.local && before.local_port == after.local_port &&
         before.remote == after.remote && before.remote_port == after.remote_port;
}

void add_pair(SocketDiff& diff, const Socket& before, const Socket& after) {
  diff.bytes_sent += growth(before.bytes_sent, after.bytes_sent);
  diff.bytes_received += growth(before.bytes_received, after.bytes_received);
  if (looks_the_same(before, after))
    ++diff.unchanged;
  else
    diff.changed.push_back({&before, &after});
}

InterfaceDiff compared(const Interface* before, const Interface* after) {
  static constexpr Interface kNone{};
  const Interface& was = before == nullptr ? kNone : *before;
  const Interface& is = after == nullptr ? kNone : *after;
  InterfaceDiff diff{before, after};
  diff.received_bytes = growth(was.receive_bytes, is.receive_bytes);
  diff.sent_bytes = growth(was.transmit_bytes, is.transmit_bytes);
  diff.errors = growth(was.receive_errors, is.receive_errors) +
                growth(was.transmit_errors, is.transmit_errors);
  diff.dropped = growth(was.receive_dropped, is.receive_dropped) +
                 growth(was.transmit_dropped, is.transmit_dropped);
  return diff;
}

bool moved(const InterfaceDiff& diff) {
  return diff.link_changed() || diff.received_bytes + diff.sent_bytes > 0 ||
         diff.errors + diff.dropped > 0;
}

}  // namespace

SocketDiff diff_sockets(const Snapshot& before, const Snapshot& after, Boots boots,
                        const SocketSelection& selection) {
  SocketDiff diff;
  const bool same_boot = boots == Boots::same;
  const auto& then = before.of<Socket>();
  const auto& now = after.of<Socket>();
  for (const Socket& socket : then) {
    const Socket* later = same_boot ? now.find(socket.cookie) : nullptr;
    if (later == nullptr) {
      if (selection.wants(socket, before)) diff.closed.push_back(&socket);
    } else if (selection.wants(socket, before) || selection.wants(*later, after)) {
      add_pair(diff, socket, *later);
    }
  }
  for (const Socket& socket : now) {
    const bool was_there = same_boot && then.find(socket.cookie) != nullptr;
    if (!was_there && selection.wants(socket, after)) diff.opened.push_back(&socket);
  }
  const auto by_place = [](const Socket* a, const Socket* b) { return listed_before(*a, *b); };
  std::sort(diff.opened.begin(), diff.opened.end(), by_place);
  std::sort(diff.closed.begin(), diff.closed.end(), by_place);
  std::sort(diff.changed.begin(), diff.changed.end(),
            [](const auto& a, const auto& b) { return listed_before(*a.after, *b.after); });
  return diff;
}

std::vector<std::string> changed_fields(const Socket& before, const Socket& after) {
  constexpr std::string_view kShown[] = {"state",      "receive_queue", "send_queue", "process",
                                         "local_high", "local_low",     "local_port", "remote_high",
                                         "remote_low", "remote_port"};
  std::vector<std::string> names;
  for (const auto& field : fields_of<Socket>()) {
    const bool shown =
        std::find(std::begin(kShown), std::end(kShown), field.name) != std::end(kShown);
    if (shown && field.get(before) != field.get(after)) names.emplace_back(field.name);
  }
  return names;
}

bool InterfaceDiff::link_changed() const {
  if (before == nullptr || after == nullptr) return true;
  return before->flags != after->flags || before->mtu != after->mtu ||
         before->operational_state != after->operational_state ||
         before->carrier_changes != after->carrier_changes;
}

std::vector<InterfaceDiff> diff_interfaces(const Snapshot& before, const Snapshot& after) {
  std::vector<InterfaceDiff> diffs;
  for (const Interface& interface : before.of<Interface>())
    diffs.push_back(compared(&interface, after.of<Interface>().find(key_of(interface))));
  for (const Interface& interface : after.of<Interface>())
    if (before.of<Interface>().find(key_of(interface)) == nullptr)
      diffs.push_back(compared(nullptr, &interface));
  std::erase_if(diffs, [](const InterfaceDiff& diff) { return !moved(diff); });
  const auto key = [](const InterfaceDiff& diff) {
    return key_of(diff.after != nullptr ? *diff.after : *diff.before);
  };
  std::sort(diffs.begin(), diffs.end(),
            [&](const auto& a, const auto& b) { return key(a) < key(b); });
  return diffs;
}

}  // namespace netrec
