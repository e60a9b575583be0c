#include "tests/store/simulated_host.h"

#include <algorithm>
#include <set>

namespace netrec {

namespace {

std::uint64_t us(WallTime wall) {
  return static_cast<std::uint64_t>(wall.time_since_epoch().count());
}

constexpr std::uint64_t kHostAddress = 0xc0000264;  // 192.0.2.100

}  // namespace

SimulatedHost::SimulatedHost(const HostLoad& load, std::uint64_t seed)
    : load_(load),
      random_(seed),
      wall_(std::chrono::seconds(1'700'000'000)),
      boot_(std::chrono::hours(5)) {}

std::uint64_t SimulatedHost::below(std::uint64_t limit) { return random_() % limit; }

std::uint32_t SimulatedHost::text(const std::string& bytes, Delta& delta) {
  delta.of<Text>().opened.push_back({.id = next_text_, .bytes = bytes});
  return next_text_++;
}

Socket SimulatedHost::new_socket() {
  Socket socket;
  socket.cookie = next_cookie_;
  next_cookie_ += 1 + below(3);
  socket.network_namespace = 1;
  socket.family = Family::inet;
  socket.transport = below(8) == 0 ? Transport::udp : Transport::tcp;
  socket.type = socket.transport == Transport::tcp ? 1 : 2;
  socket.local.low = kHostAddress;
  socket.remote.low = 0xcb007100 + below(load_.destinations);  // 203.0.113.0
  socket.local_port = static_cast<std::uint16_t>(32768 + below(28000));
  socket.remote_port = below(3) == 0 ? 443 : 80;
  socket.state = socket.transport == Transport::tcp ? TcpState::established : TcpState::close;
  if (below(16) == 0) {
    socket.state = TcpState::listen;
    socket.remote = {};
    socket.remote_port = 0;
    socket.local_port = static_cast<std::uint16_t>(1 + below(1000));
  }
  socket.inode = static_cast<std::uint32_t>(socket.cookie * 3);
  socket.uid = 1000;
  socket.process = static_cast<std::uint32_t>(first_process_ + below(load_.programs));
  socket.descriptor = static_cast<std::uint32_t>(3 + below(60));
  socket.opened_us = us(wall_);
  socket.opened_after_us = us(wall_) - 1'000'000;
  socket.state_since_us = socket.opened_us;
  socket.rto_us = 204000;
  socket.rtt_us = static_cast<std::uint32_t>(500 + below(20000));
  socket.send_mss = 1448;
  socket.congestion_window = 10;
  socket.receive_buffer = 131072;
  socket.send_buffer = 87040;
  return socket;
}

void SimulatedHost::work(Socket& socket) {
  if (socket.state == TcpState::listen) return;
  const std::uint64_t sent = below(20000);
  socket.bytes_sent += sent;
  socket.bytes_acked += sent;
  socket.bytes_received += below(200000);
  socket.segments_out += static_cast<std::uint32_t>(1 + sent / 1448);
  socket.segments_in += static_cast<std::uint32_t>(1 + below(100));
  socket.rtt_us += static_cast<std::uint32_t>(below(200));
  socket.last_data_sent_ms = us(wall_) / 1000 - below(900);
  socket.last_data_received_ms = us(wall_) / 1000 - below(900);
  if (socket.transport == Transport::tcp && below(40) == 0) {
    socket.state = TcpState::close_wait;
    socket.state_since_us = us(wall_);
  }
}

void SimulatedHost::begin_session() {
  ++session_;
  Delta delta;
  if (snapshot_.of<Process>().empty()) {
    first_process_ = next_process_;
    const std::uint32_t ns = text("host", delta);
    delta.of<NetworkNamespace>().opened.push_back(
        {.cookie = 4026531840, .id = 1, .inode = 4026531840, .name = ns});
    delta.of<User>().opened.push_back({.uid = 1000, .name = text("user", delta)});
    for (std::size_t i = 0; i < load_.programs; ++i) {
      Process process{.start_us = 1000 * i, .first_seen_us = us(wall_), .id = next_process_++};
      process.pid = static_cast<std::uint32_t>(300 + i);
      process.comm = text(fmt::format("program{}", i), delta);
      process.exe = text(fmt::format("/usr/bin/program{}", i), delta);
      delta.of<Process>().opened.push_back(process);
    }
    while (delta.of<Socket>().opened.size() < load_.sockets)
      delta.of<Socket>().opened.push_back(new_socket());
  }
  for (const Session& row : snapshot_.of<Session>())
    delta.of<Session>().closed.push_back({.key = row.id});
  Session session{.started_us = us(wall_), .interval_us = 1'000'000, .id = session_};
  session.started_boot_us = static_cast<std::uint64_t>(boot_.count());
  session.host = text("simulated", delta);
  session.boot_id = text("6b86b273-ff34-4ce1-9d6b-804eff5a3f57", delta);
  delta.of<Session>().opened.push_back(session);
  sort(delta);
  apply(delta, snapshot_);
}

void SimulatedHost::open_sockets(Delta& delta) {
  const auto average = static_cast<std::uint64_t>(load_.opened_each_tick * 2);
  for (std::uint64_t count = average == 0 ? 0 : below(average + 1); count > 0; --count)
    delta.of<Socket>().opened.push_back(new_socket());
}

void SimulatedHost::close_sockets(Delta& delta) {
  const auto& rows = snapshot_.of<Socket>().rows();
  const std::size_t count = std::min(delta.of<Socket>().opened.size(), rows.size());
  std::set<std::uint64_t> keys;  // As many as opened, none twice: the host stays as large as it is.
  while (keys.size() < count) keys.insert(rows[below(rows.size())].cookie);
  const auto unseen = [](std::uint64_t key) {
    return Closed{.key = key, .at = 3'500'001, .reason = CloseReason::unseen};
  };
  for (const std::uint64_t key : keys)
    delta.of<Socket>().closed.push_back(key % 4 == 0 ? unseen(key) : Closed{.key = key});
}

Frame SimulatedHost::tick(std::vector<Socket>& departed) {
  wall_ += std::chrono::microseconds(1'000'000 + below(300));
  boot_ += std::chrono::seconds(1);
  Frame frame = empty_frame();
  Delta& delta = frame.delta;
  open_sockets(delta);
  close_sockets(delta);
  for (const Socket& row : snapshot_.of<Socket>()) {
    if (static_cast<double>(below(1000)) >= load_.working * 1000) continue;
    Socket after = row;
    work(after);
    compare(row, after, delta.of<Socket>());
  }
  sort(delta);
  departed = departed_in(delta, snapshot_);
  apply(delta, snapshot_);
  return frame;
}

Frame SimulatedHost::end_session() {
  sleep(std::chrono::seconds(1));
  Frame frame = empty_frame();
  frame.delta.of<Session>().closed.push_back({.key = session_});
  apply(frame.delta, snapshot_);
  return frame;
}

Frame SimulatedHost::empty_frame() const {
  Frame frame;
  frame.wall = wall_;
  frame.boot = boot_;
  return frame;
}

void SimulatedHost::continue_after(const Resume& resume) {
  if (resume.last_sequence == 0) return;
  wall_ = resume.last_wall + std::chrono::seconds(1);
  boot_ = resume.last_boot + std::chrono::seconds(1);
  session_ = resume.next_session - 1;
  next_text_ = resume.next_text;
  next_process_ = resume.next_process;
  next_cookie_ += std::uint64_t{resume.next_session} << 32;
}

void SimulatedHost::sleep(std::chrono::microseconds how_long) {
  wall_ += how_long;
  boot_ += how_long;
}

}  // namespace netrec
