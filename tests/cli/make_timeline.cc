// Writes the small timeline the command-line cases ask: make_timeline FILE. With several files, the
// first five minutes of it, in turn into each as a recorder writes them whose file is rotated; the
// same file several times is a recorder that is stopped and started. --host NAME: another host's.
// --killed --host NAME FILE: that one is killed after 250 seconds, ten frames of them not sealed.
//
// A web server on 2026-11-24, one tick a second from 12:00:00 UTC. 12:01:10 a service starts,
// 12:01:20 a burst of connections leaves TIME_WAITs, 12:02:30 eth0 loses its link, 12:05:00 the
// recorder is killed, 12:06:00 to 12:08:00 another one goes on. One program has a name that tries
// to paint the terminal.
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "schema/delta.h"
#include "store/timeline_writer.h"

namespace netrec {

namespace {

constexpr std::uint64_t kSecond = 1'000'000;
constexpr std::uint64_t kNoon = 1'795'521'600 * kSecond;  // 2026-11-24T12:00:00Z
constexpr std::uint64_t kUptime = 5000 * kSecond;

std::uint64_t at(std::uint64_t minute, std::uint64_t second) {
  return kNoon + (minute * 60 + second) * kSecond;
}

IpAddress ipv4(unsigned a, unsigned b, unsigned c, unsigned d) {
  return {0, std::uint64_t{a} << 24 | b << 16 | c << 8 | d};
}

const std::uint64_t kEnd = at(8, 0);

class World {
 public:
  Snapshot now;
  std::uint32_t next_text = 1;
  std::string host = "web1";

  std::uint32_t text(std::string bytes) {
    for (const Text& row : now.of<Text>())
      if (row.bytes == bytes) return row.id;
    now.of<Text>().insert({next_text, std::move(bytes)});
    return next_text++;
  }

  void begin_session(std::uint32_t id, std::uint64_t when) {
    Session session;
    session.id = id;
    session.started_us = when;
    session.started_boot_us = when - kNoon + kUptime;
    session.interval_us = kSecond;
    session.host = text(host);
    session.boot_id = text("5a1d6c0e-0000-4000-8000-000000000001");
    session.machine_id = text(host == "web1" ? "0123456789abcdef0123456789abcdef"
                                             : host + "0123456789abcdef0123456789abcdef");
    session.kernel = text("Linux 6.1.0 x86_64");
    session.version = text("0.1.0");
    session.arguments = text(std::string("netrec-record\0--interval\0001s", 27));
    session.time_zone = text("Europe/Berlin +0100");
    session.limits = text("descriptors of other users' processes");
    session.pid = 600 + id;
    session.uid = 1000;
    now.of<Session>().insert(session);
  }

  void add_user(std::uint32_t uid, const char* name) { now.of<User>().insert({uid, text(name)}); }

  std::uint32_t add_process(std::uint32_t id, std::uint32_t pid, const char* name, const char* exe,
                            std::string command_line, std::uint32_t uid) {
    Process process;
    process.id = id;
    process.pid = pid;
    process.start_us = kUptime - 1000 * kSecond + id * kSecond;
    process.first_seen_us = kNoon;
    process.parent_pid = 1;
    process.uid = process.effective_uid = uid;
    process.comm = text(name);
    process.exe = text(exe);
    process.command_line = text(std::move(command_line));
    process.cgroup = text("/system.slice/" + std::string(name) + ".service");
    now.of<Process>().insert(process);
    return id;
  }

  Socket& add(std::uint64_t cookie, Transport transport, Family family, TcpState state,
              std::uint64_t opened) {
    Socket socket;
    socket.cookie = cookie;
    socket.transport = transport;
    socket.family = family;
    socket.state = state;
    socket.type = transport == Transport::tcp ? 1 : 2;
    socket.network_namespace = 1;
    socket.inode = static_cast<std::uint32_t>(20000 + cookie);
    socket.opened_us = socket.state_since_us = opened;
    if (opened > kNoon) socket.opened_after_us = opened - kSecond;
    now.of<Socket>().insert(socket);
    return *now.of<Socket>().find(cookie);
  }

  Socket& tcp(std::uint64_t cookie, std::uint16_t local_port, IpAddress remote,
              std::uint16_t remote_port, std::uint32_t process, std::uint64_t opened) {
    Socket& socket = add(cookie, Transport::tcp, Family::inet, TcpState::established, opened);
    socket.local = ipv4(192, 0, 2, 10);
    socket.local_port = local_port;
    socket.remote = remote;
    socket.remote_port = remote_port;
    socket.process = process;
    socket.congestion = text("cubic");
    socket.congestion_window = 10;
    socket.rtt_us = 12'500;
    socket.rtt_variance_us = 2'100;
    socket.send_mss = 1448;
    socket.receive_buffer = 131'072;
    socket.send_buffer = 87'040;
    return socket;
  }

  void set_state(std::uint64_t cookie, TcpState state, std::uint64_t when) {
    Socket& socket = *now.of<Socket>().find(cookie);
    socket.state = state;
    socket.state_since_us = when;
    if (state != TcpState::time_wait) return;
    socket.timer = SocketTimer::time_wait;
    socket.timer_expires_us = when + 60 * kSecond;
    socket.inode = 0;
  }
};

void add_namespaces_and_interfaces(World& world) {
  NetworkNamespace host;
  host.id = 1;
  host.inode = 4026531840;
  host.first_port = 32768;
  host.last_port = 60999;
  world.now.of<NetworkNamespace>().insert(host);
  host.id = 2;
  host.inode = 4026532512;
  host.name = world.text("lab");
  world.now.of<NetworkNamespace>().insert(host);
  Interface interface;
  interface.network_namespace = 1;
  interface.index = 1;
  interface.name = world.text("lo");
  interface.mtu = 65536;
  interface.flags = 0x49;
  interface.operational_state = 0;
  world.now.of<Interface>().insert(interface);
  interface.index = 2;
  interface.name = world.text("eth0");
  interface.mtu = 1500;
  interface.flags = 0x1043;
  interface.operational_state = 6;
  interface.receive_bytes = 1'000'000;
  interface.transmit_bytes = 200'000;
  world.now.of<Interface>().insert(interface);
}

void add_servers(World& world) {
  const auto sshd = world.add_process(1, 700, "sshd", "/usr/sbin/sshd",
                                      std::string("sshd: /usr/sbin/sshd -D\0", 24), 0);
  const auto nginx = world.add_process(2, 812, "nginx", "/usr/sbin/nginx",
                                       std::string("nginx: worker process\0", 22), 33);
  const auto dhclient = world.add_process(3, 640, "dhclient", "/usr/sbin/dhclient",
                                          std::string("dhclient\0eth0\0", 14), 0);
  const auto listener = [&](std::uint64_t cookie, Family family, std::uint16_t port,
                            std::uint32_t process, std::uint32_t backlog) {
    Socket& socket = world.add(cookie, Transport::tcp, family, TcpState::listen, kNoon);
    socket.local_port = port;
    socket.process = process;
    socket.send_queue = backlog;
  };
  listener(1, Family::inet, 22, sshd, 128);
  listener(2, Family::inet6, 22, sshd, 128);
  listener(3, Family::inet, 443, nginx, 511);
  world.now.of<Socket>().find(3)->uid = 33;
  world.now.of<Socket>().find(3)->sharers = world.text("2:6 1:9");
  Socket& dhcp = world.add(4, Transport::udp, Family::inet, TcpState::close, kNoon);
  dhcp.local_port = 68;
  dhcp.process = dhclient;
  Socket& login = world.tcp(5, 22, ipv4(198, 51, 100, 7), 51234, sshd, kNoon);
  login.timer = SocketTimer::keepalive;
  login.timer_expires_us = at(120, 0);
  Socket& bus = world.add(6, Transport::unix, Family::unix, TcpState::listen, kNoon);
  bus.type = 1;
  bus.path = world.text("/run/dbus/system_bus_socket");
  Socket& agent = world.add(7, Transport::unix, Family::unix, TcpState::established, kNoon);
  agent.type = 1;
  agent.path = world.text("@/tmp/agent");
  agent.peer_inode = 20006;
  agent.process = sshd;
  Socket& in_lab = world.add(8, Transport::tcp, Family::inet, TcpState::listen, kNoon);
  in_lab.network_namespace = 2;
  in_lab.local = ipv4(10, 9, 9, 1);
  in_lab.local_port = 8080;
}

/// Connections that open at 1:20, go to TIME_WAIT at 1:21 and are gone at 2:21.
void burst(World& world, std::uint64_t now) {
  constexpr std::uint64_t kFirst = 1000;
  constexpr std::uint64_t kCount = 20;
  for (std::uint64_t i = 0; i < kCount; ++i) {
    const std::uint64_t cookie = kFirst + i;
    if (now == at(1, 20))
      world.tcp(cookie, 443, ipv4(203, 0, 113, static_cast<unsigned>(i % 4 + 1)),
                static_cast<std::uint16_t>(40000 + i), 2, now - 200'000);
    if (now == at(1, 21)) world.set_state(cookie, TcpState::time_wait, now - 500'000);
    if (now == at(2, 21)) world.now.of<Socket>().erase(cookie);
  }
}

void service(World& world, std::uint64_t now) {
  if (now == at(1, 10)) {
    const auto python =
        world.add_process(4, 2001, "python3", "/usr/bin/python3.11",
                          std::string("python3\0-m\0http.server\08080\0", 28), 1000);
    Socket& socket = world.add(50, Transport::tcp, Family::inet, TcpState::listen, now - 300'000);
    socket.local_port = 8080;
    socket.process = python;
    socket.send_queue = 5;
    socket.uid = 1000;
  }
  if (now == at(4, 0)) world.now.of<Socket>().erase(50);
}

/// What phones home: a name and arguments that would paint the terminal.
void implant(World& world, std::uint64_t now) {
  if (now == at(3, 0)) {
    world.add_process(5, 6666, "\x1b[31mevil\n", "/tmp/.x\xff",
                      std::string("=cmd|'/c calc'!A0\0\x1b]0;owned\x07\0", 29), 1000);
    Socket& socket = world.tcp(60, 55000, ipv4(203, 0, 113, 66), 4444, 5, now - 250'000);
    socket.remote_name = world.text("c2.example.net");
    socket.uid = 1000;
  }
  if (now == at(3, 30)) {
    world.set_state(60, TcpState::close_wait, now);
    world.now.of<Socket>().find(60)->receive_queue = 37;
  }
}

void links(World& world, std::uint64_t now) {
  Interface& eth0 = *world.now.of<Interface>().find(std::uint64_t{1} << 32 | 2);
  const bool down = now >= at(2, 30) && now < at(2, 40);
  if (!down) {
    eth0.receive_bytes += 1500;
    eth0.transmit_bytes += 300;
    eth0.receive_packets += 1;
    eth0.transmit_packets += 1;
  }
  if (now == at(2, 30)) {
    eth0.operational_state = 2;
    eth0.flags &= ~0x40u;
    eth0.carrier_changes += 1;
    eth0.receive_dropped += 12;
  }
  if (now == at(2, 40)) {
    eth0.operational_state = 6;
    eth0.flags |= 0x40;
    eth0.carrier_changes += 1;
  }
}

void traffic(World& world, std::uint64_t now) {
  Socket* login = world.now.of<Socket>().find(5);
  login->bytes_sent += 120;
  login->bytes_acked = login->bytes_sent;
  login->bytes_received += 36;
  login->segments_in += 1;
  login->segments_out += 1;
  login->last_data_sent_ms = now / 1000;
  if (now == at(2, 35)) login->send_queue = 1440;
  if (now == at(2, 41)) login->send_queue = 0;
}

void step(World& world, std::uint64_t now) {
  service(world, now);
  burst(world, now);
  implant(world, now);
  links(world, now);
  traffic(world, now);
}

Frame frame_at(std::uint64_t now) {
  Frame frame;
  frame.wall = WallTime(std::chrono::microseconds(now));
  frame.boot = std::chrono::microseconds(now - kNoon + kUptime);
  return frame;
}

/// One session: a keyframe at `from`, then a delta a second up to `to`, where session `ends` does.
Status write_session(TimelineWriter& writer, World& world, std::uint64_t from, std::uint64_t to,
                     std::uint32_t ends = 0) {
  Frame first = frame_at(from);
  NETREC_CHECKED(writer.append(first, {}, world.now, Keyframe::yes));
  for (std::uint64_t now = from + kSecond; now <= to; now += kSecond) {
    const Snapshot before = world.now;
    step(world, now);
    if (now == to && ends != 0) world.now.of<Session>().erase(ends);
    Frame frame = frame_at(now);
    frame.delta = diff(before, world.now);
    const auto departed = departed_in(frame.delta, before);
    const Keyframe keyframe = writer.keyframe_due() ? Keyframe::yes : Keyframe::no;
    NETREC_CHECKED(writer.append(frame, departed, world.now, keyframe));
    NETREC_TRY(pruned, writer.maintain(world.now));
    static_cast<void>(pruned);
  }
  return {};
}

enum class End { proper, killed };

Status make(const std::string& path) {
  WriterOptions options;
  options.seal_after_frames = 100;
  World world;
  world.add_user(0, "root");
  world.add_user(33, "www-data");
  world.add_user(1000, "alice");
  add_namespaces_and_interfaces(world);
  add_servers(world);
  world.begin_session(1, kNoon);
  {
    NETREC_TRY(writer, TimelineWriter::open(path, options));
    NETREC_CHECKED(write_session(writer, world, kNoon, at(4, 59)));
  }  // killed: never closed
  Gap gap;
  gap.id = 1;
  gap.from_us = at(4, 59);
  gap.to_us = at(6, 0);
  gap.cause = GapCause::recorder_killed;
  world.now.of<Gap>().insert(gap);
  world.now.of<Session>().erase(1);
  world.begin_session(2, at(6, 0));
  NETREC_TRY(writer, TimelineWriter::open(path, options));
  NETREC_CHECKED(write_session(writer, world, at(6, 0), kEnd, 2));
  return writer.close(world.now);
}

/// Asked a name server, and goes on to: what lives as long as the recording.
void add_name_server(World& world) {
  Peer peer;
  peer.id = 1;
  peer.socket = 4;
  peer.process = 3;
  peer.network_namespace = 1;
  peer.transport = Transport::udp;
  peer.family = Family::inet;
  peer.local_port = 68;
  peer.remote = ipv4(192, 0, 2, 53);
  peer.remote_port = 53;
  peer.first_us = peer.last_us = kNoon;
  peer.packets_sent = peer.packets_received = 2;
  world.now.of<Peer>().insert(peer);
  Resolution answer;
  answer.id = 1;
  answer.name = world.text("c2.example.net");
  answer.network_namespace = 1;
  answer.family = Family::inet;
  answer.address = ipv4(203, 0, 113, 66);
  answer.answered_us = kNoon;
  answer.query_type = 1;
  world.now.of<Resolution>().insert(answer);
}

Status make_rotated(const std::vector<std::string>& paths, const std::string& host, End end) {
  WriterOptions options;
  options.seal_after_frames = 40;
  World world;
  world.host = host;
  world.add_user(0, "root");
  world.add_user(33, "www-data");
  world.add_user(1000, "alice");
  add_namespaces_and_interfaces(world);
  add_servers(world);
  add_name_server(world);
  const std::uint64_t length = 300 / paths.size();
  for (std::uint32_t i = 0; i < paths.size(); ++i) {
    const std::uint64_t from = kNoon + i * length * kSecond;
    if (i > 0) step(world, from);
    world.begin_session(i + 1, from);
    NETREC_TRY(writer, TimelineWriter::open(paths[i], options));
    if (end == End::killed) return write_session(writer, world, from, from + 250 * kSecond);
    NETREC_CHECKED(write_session(writer, world, from, from + (length - 1) * kSecond, i + 1));
    NETREC_CHECKED(writer.close(world.now));
  }
  return {};
}

}  // namespace

}  // namespace netrec

int main(int argc, char** argv) {
  std::vector<std::string> paths(argv + 1, argv + argc);
  std::string host = "web1";
  auto end = netrec::End::proper;
  if (!paths.empty() && paths[0] == "--killed") {
    end = netrec::End::killed;
    paths.erase(paths.begin());
  }
  if (paths.size() > 2 && paths[0] == "--host") {
    host = paths[1];
    paths.erase(paths.begin(), paths.begin() + 2);
  }
  if (paths.empty()) return 2;
  const bool whole = paths.size() == 1 && host == "web1";
  const auto status = whole ? netrec::make(paths[0]) : netrec::make_rotated(paths, host, end);
  if (!status) std::fprintf(stderr, "make_timeline: %s\n", status.error().message.c_str());
  return status ? 0 : 1;
}
