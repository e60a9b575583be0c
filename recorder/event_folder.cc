#include "recorder/event_folder.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>

#include "recorder/dns_answer.h"
#include "recorder/event_ends.h"
#include "recorder/procfs.h"

namespace netrec {

namespace {

using std::chrono::microseconds;

// A parent, its parent, and so on up to here, as Processes does.
constexpr int kAncestors = 3;

// A timer set anew is told as called off and started, this close together.
constexpr microseconds kSetAnew{1000};

// Connects that failed are remembered until connect(2) returns; most return at once.
constexpr std::size_t kMostFailed = 4096;

// Keys of connections that never got a cookie; the kernel's own count up from 1 on each CPU.
constexpr std::uint64_t kWithoutCookie = std::uint64_t{1} << 63;

void take_ends(const event_ends& ends, Socket& row) {
  row.family = static_cast<Family>(ends.family);
  row.local = address_in_event(ends.local, row.family);
  row.remote = address_in_event(ends.remote, row.family);
  if (ends.local_port != 0) row.local_port = ends.local_port;
  row.remote_port = ends.remote_port;
}

void take_totals(const event_totals& totals, Socket& row) {
  row.bytes_sent = totals.bytes_sent;
  row.bytes_acked = totals.bytes_acked;
  row.bytes_received = totals.bytes_received;
  row.bytes_retransmitted = totals.bytes_retransmitted;
  row.segments_out = totals.segments_out;
  row.segments_in = totals.segments_in;
  row.data_segments_out = totals.data_segments_out;
  row.data_segments_in = totals.data_segments_in;
  row.total_retransmits = totals.total_retransmits;
  row.rtt_us = totals.rtt_us;
  row.rtt_variance_us = totals.rtt_variance_us;
  row.min_rtt_us = totals.min_rtt_us == UINT32_MAX ? 0 : totals.min_rtt_us;
  row.congestion_window = totals.congestion_window;
  row.delivered = totals.delivered;
}

void set_flag(Socket& socket, SocketFlag flag, bool value) {
  const auto bit = static_cast<unsigned>(flag);
  socket.flags = static_cast<std::uint8_t>(value ? socket.flags | bit : socket.flags & ~bit);
}

std::uint64_t listening_key(const Socket& row) {
  return std::uint64_t{row.network_namespace} << 16 | row.local_port;
}

}  // namespace

// --- sockets -------------------------------------------------------------------------------------

std::uint32_t EventFolder::namespace_of(const event_header& header) {
  const std::uint32_t known = observer_.surroundings().namespace_id(header.network_namespace);
  if (known != 0 || namespaces_ == FoldNamespaces::known) return known;
  met_namespace_ = true;
  return observer_.surroundings().meet_namespace(header.network_namespace);
}

// The socket as it is known, or else as far as this event tells it.
Socket EventFolder::row_of(const event_transition& event, const event_ends& ends) {
  Socket row;
  if (const Socket* known = observer_.sockets().find(event.cookie)) {
    row = *known;
  } else {
    row.cookie = event.cookie;
    row.transport = Transport::tcp;
    row.type = SOCK_STREAM;
    row.protocol = IPPROTO_TCP;
    row.network_namespace = namespace_of(event.header);
  }
  take_ends(ends, row);
  row.uid = event.uid;
  return row;
}

// `now` with a new state since `boot`; the rest of it has no time of its own.
void EventFolder::enter(Socket now, TcpState state, microseconds boot) {
  if (const Socket* known = observer_.sockets().find(now.cookie)) {
    now.state = known->state;
    if (!(now == *known)) observer_.sockets().tell(now);
    if (now.state == state) return;
    now.state = state;
    observer_.sockets().event(now, boot);
    return;
  }
  now.state = state;
  observer_.sockets().event(now, boot);
}

void EventFolder::on(const event_socket& event) {
  if (namespace_of(event.transition.header) == 0) return;
  const microseconds boot = boot_of(event.transition.header);
  const auto state = static_cast<TcpState>(event.transition.new_state);
  // It failed to connect, and is tried again before that was settled.
  if (const auto ending = ending_.find(event.transition.cookie); ending != ending_.end()) {
    const microseconds ended = ending->second;
    ending_.erase(ending);
    const Socket* before = observer_.sockets().find(event.transition.cookie);
    Socket now = row_of(event.transition, event.ends);
    if (before != nullptr && before->remote == now.remote && before->remote_port == now.remote_port)
      enter(now, TcpState::close, ended);
    else
      end(event.transition.cookie, ended);
  }
  end_unseen(event.transition);
  const Socket* known = observer_.sockets().find(event.transition.cookie);
  const bool is_known = known != nullptr;
  const bool was_connecting =
      event.transition.old_state == static_cast<std::uint8_t>(TcpState::syn_sent);
  // A look showed it while this was under way.
  const bool is_late = is_known && !was_connecting && known->opened_us > observer_.wall_us(boot);
  Socket row = row_of(event.transition, event.ends);
  row.mark = event.mark;
  row.interface = event.interface;
  if (event.rtt_us != 0) row.rtt_us = event.rtt_us;
  if (event.inode != 0) row.inode = static_cast<std::uint32_t>(event.inode);
  if (event.descriptor >= 0) row.descriptor = static_cast<std::uint32_t>(event.descriptor);
  if (event.task.pid != 0) row.process = run_of(event.task, boot);
  if (state == TcpState::syn_sent) row.remote_name = names_.name_of(row.remote, row.family);
  if (is_late)
    observer_.sockets().tell(row);
  else if (is_known || was_connecting)
    return enter(row, state, boot);
  row.state = state;
  observer_.sockets().opened(row, boot);
  ++totals_.opened;
  if (state == TcpState::listen) note_listener(row);
}

// A socket that is to connect or listen was closed, whatever is known of it: that was lost.
void EventFolder::end_unseen(const event_transition& event) {
  if (event.old_state != static_cast<std::uint8_t>(TcpState::close)) return;
  const Socket* known = observer_.sockets().find(event.cookie);
  if (known == nullptr || known->state == TcpState::close) return;
  if (known->opened_us > observer_.wall_us(boot_of(event.header))) return;  // A look was faster.
  in_time_wait_.erase(event.cookie);
  if (observer_.sockets().vanished(event.cookie)) ++totals_.closed;
}

void EventFolder::on(const event_transition& event) {
  const Socket* known = observer_.sockets().find(event.cookie);
  if (known == nullptr) {  // Its beginning was lost; the next reconciliation finds it.
    ++unplaced_;
    return;
  }
  enter(*known, static_cast<TcpState>(event.new_state), boot_of(event.header));
}

void EventFolder::on(const event_closed& event) {
  if (namespace_of(event.transition.header) == 0) return;
  const microseconds boot = boot_of(event.transition.header);
  const std::uint64_t cookie = event.transition.cookie;
  const bool is_known = observer_.sockets().find(cookie) != nullptr;
  if (!is_known) ++totals_.unknown_closed;
  Socket row = row_of(event.transition, event.ends);
  take_totals(event.totals, row);
  if (event.transition.error != 0) row.error = event.transition.error;
  if (row.process == 0 && row.state != TcpState::listen) {
    row.process = listener_process(row);
    set_flag(row, SocketFlag::owner_unsure, true);
  }
  if (is_known)
    observer_.sockets().tell(row);
  else
    enter(row, static_cast<TcpState>(event.transition.old_state), boot);
  if (in_time_wait_.contains(cookie)) return;  // Its stand-in goes on.
  if (event.transition.old_state == static_cast<std::uint8_t>(TcpState::syn_sent)) {
    if (failed_.size() >= kMostFailed) failed_.clear();
    failed_[cookie] = event.transition.error;
    ending_[cookie] = boot;
    return;
  }
  end(cookie, boot);
}

void EventFolder::end(std::uint64_t cookie, microseconds boot) {
  in_time_wait_.erase(cookie);
  if (observer_.sockets().ended(cookie, boot)) ++totals_.closed;
}

void EventFolder::on(const event_accepted& event) {
  const Socket* known = observer_.sockets().find(event.cookie);
  if (known == nullptr || (event.only_holder != 0 && known->process != 0)) return;
  Socket now = *known;
  now.process = run_of(event.task, boot_of(event.header));
  if (event.descriptor >= 0) now.descriptor = static_cast<std::uint32_t>(event.descriptor);
  now.inode = static_cast<std::uint32_t>(event.inode);
  set_flag(now, SocketFlag::owner_unsure, now.process == 0);
  observer_.sockets().tell(now);
}

// A connect that never became a transition gets a life of no length under a key of its own; of the
// others the error is filled in where the transition did not know it (no free port).
void EventFolder::on(const event_connect_failed& event) {
  const microseconds boot = boot_of(event.header);
  const auto error = static_cast<std::uint16_t>(event.error);
  if (const auto failed = failed_.find(event.cookie); failed != failed_.end()) {
    const bool knew = failed->second != 0;
    failed_.erase(failed);
    const Socket* known = observer_.sockets().find(event.cookie);
    if (knew || known == nullptr || !ending_.contains(event.cookie)) return;
    Socket now = *known;
    now.error = error;
    return observer_.sockets().tell(now);
  }
  if (namespace_of(event.header) == 0) return;
  Socket row;
  row.cookie = kWithoutCookie | event.header.at_ns;
  if (observer_.sockets().find(row.cookie) != nullptr) return;
  row.transport = Transport::tcp;
  row.type = SOCK_STREAM;
  row.protocol = IPPROTO_TCP;
  row.state = TcpState::close;
  row.network_namespace = namespace_of(event.header);
  take_ends(event.ends, row);
  row.process = run_of(event.task, boot);
  row.uid = event.task.effective_uid;
  row.descriptor = static_cast<std::uint32_t>(event.descriptor);
  row.error = error;
  observer_.sockets().opened(row, boot);
  observer_.sockets().ended(row.cookie, boot);
  ++totals_.failed_connects;
}

// The kernel puts a small stand-in in the socket's place, and only then lets the socket go.
void EventFolder::on(const event_time_wait& event) {
  const microseconds boot = boot_of(event.header);
  if (event.header.kind == EVENT_TIME_WAIT_ENDED) {
    ending_[event.cookie] = boot;
    return;
  }
  if (namespace_of(event.header) == 0) return;
  ending_.erase(event.cookie);
  in_time_wait_[event.cookie] = event.state;
  event_transition transition{};
  transition.header = event.header;
  transition.cookie = event.cookie;
  const Socket* known = observer_.sockets().find(event.cookie);
  if (known != nullptr) transition.uid = known->uid;
  Socket row = row_of(transition, event.ends);
  row.timer = SocketTimer::time_wait;
  row.timer_expires_us = observer_.wall_us(boot) + std::uint64_t{event.expires_ms} * 1000;
  row.inode = 0;
  enter(row, static_cast<TcpState>(event.state), boot);
}

void EventFolder::settle(microseconds boot) {
  for (auto ending = ending_.begin(); ending != ending_.end();) {
    if (boot - ending->second < kSetAnew) {
      ++ending;
      continue;
    }
    end(ending->first, ending->second);
    ending = ending_.erase(ending);
  }
}

void EventFolder::spare_ending() {
  for (const auto& [cookie, since] : ending_) observer_.sockets().spare(cookie);
}

// --- sockets without a connection ----------------------------------------------------------------

void EventFolder::on(const event_datagram_socket& event) {
  const microseconds boot = boot_of(event.header);
  if (event.header.kind == EVENT_DATAGRAM_CLOSED) {
    if (const Socket* row = observer_.sockets().find(event.cookie))
      peers_.note_gone(event.cookie, *row, boot);
    return end(event.cookie, boot);
  }
  if (namespace_of(event.header) == 0) return;
  const bool is_packet = event.header.kind == EVENT_PACKET_SOCKET_USED;
  if (is_packet)
    if (const Socket* known = observer_.sockets().find(event.cookie)) return own(*known, event);
  Socket row;
  row.cookie = event.cookie;
  row.family = static_cast<Family>(event.family);
  row.transport = is_packet ? Transport::packet : datagram_transport(event.type, event.protocol);
  row.type = static_cast<std::uint8_t>(event.type);
  row.protocol = event.protocol;
  row.state = TcpState::close;
  row.network_namespace = namespace_of(event.header);
  row.uid = event.task.effective_uid;
  row.process = run_of(event.task, boot);
  if (is_packet)
    observer_.sockets().event(row, boot);
  else
    observer_.sockets().opened(row, boot);
  ++totals_.opened;
}

// Who uses it, where no dump found its holder yet.
void EventFolder::own(Socket known, const event_datagram_socket& event) {
  if (known.process != 0) return;
  known.process = run_of(event.task, boot_of(event.header));
  observer_.sockets().own(known);
}

void EventFolder::on(const event_dns& event, std::span<const std::byte> message) {
  constexpr std::size_t kLengthOverTcp = 2;
  if (event.over_tcp != 0) message = message.subspan(std::min(kLengthOverTcp, message.size()));
  const Result<DnsAnswer> answer = parse_dns_answer(message);
  if (!answer) return;
  const Socket* asker = observer_.sockets().find(event.cookie);
  names_.answered(*answer, observer_.wall_us(boot_of(event.header)),
                  asker == nullptr ? 0 : asker->network_namespace,
                  asker == nullptr ? 0 : asker->process);
}

// --- UNIX sockets --------------------------------------------------------------------------------

void EventFolder::on(const event_unix& event) {
  if (!wants_unix_) return;
  const std::uint32_t place = namespace_of(event.header);
  if (place != 0) unix_.told(event, place, run_of(event.task, boot_of(event.header)));
}

void EventFolder::on(const event_unix_left& event) {
  if (wants_unix_) unix_.left(event);
}

// --- listeners -----------------------------------------------------------------------------------

void EventFolder::note_listener(const Socket& row) { listeners_[listening_key(row)] = row.cookie; }

// Who listens where `row` came in; 0 if that is not known.
std::uint32_t EventFolder::listener_process(const Socket& row) const {
  const auto found = listeners_.find(listening_key(row));
  const Socket* listener =
      found == listeners_.end() ? nullptr : observer_.sockets().find(found->second);
  return listener != nullptr && listener->state == TcpState::listen ? listener->process : 0;
}

// --- processes -----------------------------------------------------------------------------------

void EventFolder::on(const event_process& event) {
  if (event.header.kind == EVENT_PROCESS_FORKED) return runs_.forked(event);
  if (observer_.processes().known(event.task.pid) != 0)
    observer_.processes().ended(event.task.pid, boot_of(event.header));
}

void EventFolder::on(const event_exec& event, const ExecStrings& strings) {
  runs_.executed(event, strings);
  // Its sockets are the new program's from now on.
  if (observer_.processes().known(event.task.pid) == 0) return;
  unix_.doubt();
  if (const ProgramRun* run = runs_.find(event.task.pid, event.task.start_ns))
    adopt(*run, boot_of(event.header), 0);
}

std::uint32_t EventFolder::run_of(const event_task& task, microseconds boot) {
  Processes& processes = observer_.processes();
  const std::uint32_t known = processes.known(task.pid);
  if (known != 0) {
    const Process* row = observer_.state().of<Process>().find(known);
    if (row != nullptr && row->start_us == start_us_of(task.start_ns)) return known;
  }
  if (const ProgramRun* run = runs_.find_or_read(task.pid, task.start_ns))
    return adopt(*run, run->since.count() != 0 ? run->since : boot, 0);
  // It began before the recorder and is gone: what the event itself tells.
  ProgramRun run;
  run.row.pid = task.pid;
  run.row.start_us = start_us_of(task.start_ns);
  run.row.parent_pid = task.parent_pid;
  run.row.uid = task.uid;
  run.row.effective_uid = task.effective_uid;
  run.comm = std::string(task.comm, ::strnlen(task.comm, sizeof(task.comm)));
  run.parent_pid = task.parent_pid;
  run.parent_start_ns = task.parent_start_ns;
  return adopt(run, boot, 0);
}

// By value: taking in the parent may move what `known` refers to.
std::uint32_t EventFolder::adopt(const ProgramRun& known, microseconds boot, int depth) {
  const ProgramRun run = known;
  Process row = run.row;
  row.parent = parent_of(run, boot, depth);
  row.comm = observer_.text(run.comm);
  row.exe = observer_.text(run.exe);
  row.command_line = observer_.text(run.command_line);
  row.cgroup = observer_.text(run.cgroup);
  return observer_.processes().ran(row, boot);
}

std::uint32_t EventFolder::parent_of(const ProgramRun& run, microseconds boot, int depth) {
  if (run.parent_pid == 0 || depth >= kAncestors) return 0;
  const std::uint32_t known = observer_.processes().known(run.parent_pid);
  if (known != 0) return known;
  if (run.parent_start_ns == 0) return observer_.processes().run_of(run.parent_pid);
  const ProgramRun* parent = runs_.find_or_read(run.parent_pid, run.parent_start_ns);
  if (parent == nullptr) return 0;
  return adopt(*parent, parent->since.count() != 0 ? parent->since : boot, depth + 1);
}

}  // namespace netrec
