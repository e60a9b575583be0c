// The load of the benchmarks: keeps many TCP connections open over loopback, both ends of each, in
// as many processes as the limit on open files asks for. If wanted, a part of them is replaced and
// a part exchanges data each second.
//
//   many_sockets SOCKETS [REPLACED-A-SECOND [TALKING [SPEED]]]
//
// The second and third are fractions: 0.01. SPEED makes each second so much shorter: what a host
// does in an hour is done in a part of it.
//
// Prints "ready" when all are open and goes on until its stdin is closed.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

struct Load {
  std::size_t connections = 0;
  double replaced_a_second = 0;
  double talking = 0;
  double speed = 1;
};

constexpr int kStepsASecond = 10;
constexpr std::size_t kConnectionsAProcess = 8'500;  // two descriptors each, limit 20 000

[[noreturn]] void give_up(const char* what) {
  std::perror(what);
  std::exit(3);
}

struct Connection {
  int client = -1;
  int server = -1;
};

/// One process' part: a listener of its own on 127.0.x.y, so that ephemeral ports suffice.
class Part {
 public:
  explicit Part(std::uint32_t number) {
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(0x7f000101u + number);
    listener_ = socket(AF_INET, SOCK_STREAM, 0);
    socklen_t size = sizeof address_;
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address_), size) != 0) give_up("bind");
    if (listen(listener_, 128) != 0) give_up("listen");
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address_), &size);
  }

  Connection open() const {
    Connection connection{.client = socket(AF_INET, SOCK_STREAM, 0)};
    // Whenever it ends, by reset: no TIME_WAIT adds to the number of sockets.
    const linger now{.l_onoff = 1, .l_linger = 0};
    setsockopt(connection.client, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    if (connect(connection.client, reinterpret_cast<const sockaddr*>(&address_), sizeof address_))
      give_up("connect");
    connection.server = accept(listener_, nullptr, nullptr);
    if (connection.server < 0) give_up("accept");
    return connection;
  }

 private:
  sockaddr_in address_{};
  int listener_ = -1;
};

void close_both(const Connection& connection) {
  close(connection.client);
  close(connection.server);
}

void talk(const Connection& connection) {
  char bytes[1000] = {};
  if (write(connection.client, bytes, sizeof bytes) < 0 ||
      read(connection.server, bytes, sizeof bytes) < 0)
    give_up("talk");
}

[[noreturn]] void live(std::uint32_t number, const Load& load, int ready) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const Part part(number);
  std::vector<Connection> connections(load.connections);
  for (Connection& connection : connections) connection = part.open();
  if (write(ready, "r", 1) != 1) give_up("ready");

  double to_replace = 0;
  std::size_t next = 0;
  for (std::size_t step = 0;; ++step) {
    usleep(static_cast<useconds_t>(1e6 / kStepsASecond / load.speed));
    to_replace += load.replaced_a_second * static_cast<double>(connections.size()) / kStepsASecond;
    for (; to_replace >= 1; to_replace -= 1) {
      next = (next + 1) % connections.size();
      close_both(connections[next]);
      connections[next] = part.open();
    }
    if (step % kStepsASecond != 0) continue;
    const auto talkers = static_cast<std::size_t>(load.talking * double(connections.size()));
    for (std::size_t i = 0; i < talkers; ++i) talk(connections[i]);
  }
}

void raise_limit() {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  raise_limit();
  const std::size_t wanted = std::strtoull(argv[1], nullptr, 10) / 2;
  Load load{.replaced_a_second = argc > 2 ? std::atof(argv[2]) : 0,
            .talking = argc > 3 ? std::atof(argv[3]) : 0,
            .speed = argc > 4 ? std::atof(argv[4]) : 1};

  int ready[2] = {};
  if (pipe(ready) != 0) give_up("pipe");
  std::vector<pid_t> children;
  for (std::size_t made = 0; made < wanted; made += load.connections) {
    load.connections = std::min(kConnectionsAProcess, wanted - made);
    const pid_t child = fork();
    if (child == 0) live(static_cast<std::uint32_t>(children.size()), load, ready[1]);
    children.push_back(child);
  }
  close(ready[1]);
  for (std::size_t i = 0; i < children.size(); ++i) {
    char byte = 0;
    if (read(ready[0], &byte, 1) != 1) give_up("a part did not start");
  }
  std::puts("ready");
  std::fflush(stdout);

  pollfd end{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
  poll(&end, 1, -1);
  for (const pid_t child : children) kill(child, SIGKILL);
  for (const pid_t child : children) waitpid(child, nullptr, 0);
  return 0;
}
