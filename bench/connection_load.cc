#include "bench/connection_load.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <thread>

namespace netrec {

namespace {

constexpr std::uint32_t kKilledEvery = 500;

std::uint64_t now_us() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec) / 1000;
}

int need(int result, const char* what) {
  if (result < 0) {
    std::perror(what);
    std::_Exit(1);
  }
  return result;
}

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  in_port_t& port() { return reinterpret_cast<sockaddr_in&>(storage).sin_port; }
};

Address loopback(bool v6, std::uint32_t number = 0) {
  Address address;
  if (v6) {
    auto& name = reinterpret_cast<sockaddr_in6&>(address.storage);
    name.sin6_family = AF_INET6;
    name.sin6_addr = in6addr_loopback;
    address.size = sizeof(name);
  } else {
    auto& name = reinterpret_cast<sockaddr_in&>(address.storage);
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK + number);
    address.size = sizeof(name);
  }
  return address;
}

int new_socket(bool v6) {
  return need(::socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
}

struct Listener {
  int socket = -1;
  Address address;
};

// Bound, and listening if it is to answer.
Listener bind_one(bool v6, bool listens, std::uint32_t number = 0) {
  Listener one{.socket = new_socket(v6), .address = loopback(v6, number)};
  need(::bind(one.socket, one.address.get(), one.address.size), "bind");
  if (listens) need(::listen(one.socket, 128), "listen");
  need(::getsockname(one.socket, one.address.get(), &one.address.size), "getsockname");
  return one;
}

void reset(int socket) {
  const linger now{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  ::close(socket);
}

void send_bytes(int from, int to, std::uint32_t count) {
  static std::array<char, 4096> bytes;
  if (count == 0) return;
  need(static_cast<int>(::send(from, bytes.data(), count, MSG_NOSIGNAL)), "send");
  need(static_cast<int>(::recv(to, bytes.data(), count, MSG_WAITALL)), "recv");
}

std::uint16_t local_port(int socket) {
  Address name;
  name.size = sizeof(name.storage);
  ::getsockname(socket, name.get(), &name.size);
  return ntohs(name.port());
}

class Worker {
 public:
  Worker(Made* log, const LoadOptions& options) : log_(log), options_(options) {
    listeners_.resize(static_cast<std::size_t>(options.destinations));
    for (std::uint32_t i = 0; i < listeners_.size(); ++i)
      for (const bool v6 : {false, true}) listeners_[i][v6] = bind_one(v6, true, i);
    for (const bool v6 : {false, true}) deaf_[v6] = bind_one(v6, false);
  }

  void make(std::uint32_t turn) {
    const bool v6 = !options_.only_closed && turn % 2 == 1;
    const bool killed = !options_.only_closed && turn % kKilledEvery == kKilledEvery - 1;
    const auto ending =
        killed ? Ending::killed : static_cast<Ending>(turn / 2 % (options_.only_closed ? 2 : 6));
    Made made{};
    made.is_v6 = v6;
    made.ending = ending;
    made.pid = static_cast<std::uint32_t>(::getpid());
    if (killed)
      make_killed(listeners_[turn % listeners_.size()][v6], made);
    else if (ending == Ending::refused)
      make_refused(v6, made);
    else
      make_whole(listeners_[turn / 16 % listeners_.size()][v6], turn, made);
    log_[count_++] = made;
  }

 private:
  int connect_to(Listener& listener, Made& made) {
    const int client = new_socket(made.is_v6 != 0);
    made.before_open_us = now_us();
    need(::connect(client, listener.address.get(), listener.address.size), "connect");
    made.after_open_us = now_us();
    made.client_port = local_port(client);
    made.server_port = ntohs(listener.address.port());
    return client;
  }

  void make_whole(Listener& listener, std::uint32_t turn, Made& made) {
    const int client = connect_to(listener, made);
    const int server = need(::accept4(listener.socket, nullptr, nullptr, SOCK_CLOEXEC), "accept");
    made.client_bytes = turn % 700;
    made.server_bytes = turn % 1300;
    send_bytes(client, server, made.client_bytes);
    if (made.ending != Ending::half_closed) send_bytes(server, client, made.server_bytes);
    end(client, server, made);
  }

  void end(int client, int server, Made& made) {
    made.before_end_us = now_us();
    if (made.ending == Ending::server_resets) {
      reset(server);
      ::close(client);
    } else if (made.ending == Ending::client_resets) {
      reset(client);
      ::close(server);
    } else if (made.ending == Ending::half_closed) {
      ::shutdown(client, SHUT_WR);
      send_bytes(server, client, made.server_bytes);
      ::close(server);
      ::close(client);
    } else {
      const bool first = made.ending == Ending::client_closes;
      ::close(first ? client : server);
      made.before_end_us = now_us();
      ::close(first ? server : client);
    }
    made.after_end_us = now_us();
  }

  void make_refused(bool v6, Made& made) {
    const int client = new_socket(v6);
    // Bound first, so that its port is known.
    Address own = loopback(v6);
    ::bind(client, own.get(), own.size);
    made.client_port = local_port(client);
    made.server_port = ntohs(deaf_[v6].address.port());
    made.before_open_us = made.before_end_us = now_us();
    ::connect(client, deaf_[v6].address.get(), deaf_[v6].address.size);
    made.after_open_us = made.after_end_us = now_us();
    ::close(client);
  }

  void make_killed(Listener& listener, Made& made) {
    int pipe[2];
    need(::pipe(pipe), "pipe");
    const pid_t child = need(::fork(), "fork");
    if (child == 0) {
      Made own = made;
      connect_to(listener, own);
      need(::accept4(listener.socket, nullptr, nullptr, SOCK_CLOEXEC), "accept");
      if (::write(pipe[1], &own, sizeof(own)) != sizeof(own)) std::_Exit(1);
      ::pause();
    }
    ::close(pipe[1]);
    need(static_cast<int>(::read(pipe[0], &made, sizeof(made))), "read");
    ::close(pipe[0]);
    made.pid = static_cast<std::uint32_t>(child);
    made.before_end_us = now_us();
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    made.after_end_us = now_us();
  }

  Made* log_;
  std::size_t count_ = 0;
  const LoadOptions& options_;
  std::vector<std::array<Listener, 2>> listeners_;
  Listener deaf_[2];
};

void enter_own_namespace() {
  need(::unshare(CLONE_NEWNET), "unshare");
  const int socket = need(::socket(AF_INET, SOCK_DGRAM, 0), "socket");
  ifreq request{};
  request.ifr_name[0] = 'l';
  request.ifr_name[1] = 'o';
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  need(::ioctl(socket, SIOCSIFFLAGS, &request), "lo up");
  ::close(socket);
}

// Keeps to the rate in steps of a millisecond; what it cannot catch up with by the end is not made.
void work(const LoadOptions& options, int number, Made* log, std::uint32_t quota) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (options.own_namespace && number + 1 == options.workers) enter_own_namespace();
  Worker worker(log, options);
  const auto start = std::chrono::steady_clock::now();
  std::uint32_t made = 0;
  for (;;) {
    const auto passed = std::chrono::steady_clock::now() - start;
    if (passed >= options.span) break;
    const auto due = static_cast<std::uint32_t>(quota * std::chrono::duration<double>(passed) /
                                                std::chrono::duration<double>(options.span));
    for (; made < due && std::chrono::steady_clock::now() - start < options.span; ++made)
      worker.make(made);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  // Long enough for a recorder to see who it was while it lives.
  std::_Exit(0);
}

// Both ends are reset: then each goes from established to closed in one step, whoever is first. The
// client's three transitions and the server's two.
constexpr std::uint32_t kTransitionsAPair = 5;
constexpr std::uint32_t kTransitionsAToggle = 2;
constexpr std::uint32_t kTogglesAPair = 64;
// The listener's, when it is made and when its process ends.
constexpr std::uint32_t kTransitionsAround = 2;

struct FloodLog {
  std::uint64_t transitions;
  std::uint16_t ports[2];
};

void make_pair_and_reset(Listener& listener) {
  const int client = new_socket(false);
  need(::connect(client, listener.address.get(), listener.address.size), "connect");
  reset(need(::accept4(listener.socket, nullptr, nullptr, SOCK_CLOEXEC), "accept"));
  reset(client);
}

[[noreturn]] void flood(double transitions_a_second, std::chrono::seconds span, FloodLog& log) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  Listener listener = bind_one(false, true), toggled = bind_one(false, false);
  // A port that was asked for by number is kept when the socket listens no more.
  ::close(toggled.socket);
  toggled.socket = new_socket(false);
  need(::bind(toggled.socket, toggled.address.get(), toggled.address.size), "bind");
  log.ports[0] = ntohs(listener.address.port());
  log.ports[1] = ntohs(toggled.address.port());
  log.transitions = kTransitionsAround;
  const auto start = std::chrono::steady_clock::now();
  for (std::uint32_t turn = 0;; ++turn) {
    const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start;
    if (passed >= span) break;
    if (static_cast<double>(log.transitions) >= transitions_a_second * passed.count()) {
      std::this_thread::sleep_for(std::chrono::microseconds(200));
      continue;
    }
    if (turn % kTogglesAPair == 0) {
      make_pair_and_reset(listener);
      log.transitions += kTransitionsAPair;
    }
    need(::listen(toggled.socket, 1), "listen");
    need(::shutdown(toggled.socket, SHUT_RDWR), "shutdown");
    log.transitions += kTransitionsAToggle;
  }
  std::_Exit(0);
}

}  // namespace

FloodMade run_flood(std::uint32_t transitions_a_second, std::chrono::seconds span) {
  constexpr int kWorkers = 4;
  void* shared = ::mmap(nullptr, sizeof(FloodLog) * kWorkers, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) need(-1, "mmap");
  auto* logs = static_cast<FloodLog*>(shared);
  std::vector<pid_t> children;
  for (int i = 0; i < kWorkers; ++i) {
    const pid_t child = need(::fork(), "fork");
    if (child == 0) flood(static_cast<double>(transitions_a_second) / kWorkers, span, logs[i]);
    children.push_back(child);
  }
  for (const pid_t child : children) ::waitpid(child, nullptr, 0);
  FloodMade made;
  for (int i = 0; i < kWorkers; ++i) {
    made.transitions += logs[i].transitions;
    made.ports.insert(made.ports.end(), std::begin(logs[i].ports), std::end(logs[i].ports));
  }
  ::munmap(shared, sizeof(FloodLog) * kWorkers);
  return made;
}

Load run_load(const LoadOptions& options) {
  const auto total = static_cast<std::uint32_t>(options.a_second *
                                                static_cast<std::uint64_t>(options.span.count()));
  const std::uint32_t quota = total / static_cast<std::uint32_t>(options.workers);
  const std::size_t bytes = sizeof(Made) * quota * static_cast<std::size_t>(options.workers);
  void* shared = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) need(-1, "mmap");
  Made* log = static_cast<Made*>(shared);
  std::vector<pid_t> children;
  for (int i = 0; i < options.workers; ++i) {
    const pid_t child = need(::fork(), "fork");
    if (child == 0) work(options, i, log + static_cast<std::size_t>(i) * quota, quota);
    children.push_back(child);
  }
  for (const pid_t child : children) ::waitpid(child, nullptr, 0);
  Load load;
  for (std::size_t i = 0; i < std::size_t{quota} * static_cast<std::size_t>(options.workers); ++i)
    if (log[i].after_end_us != 0)
      load.made.push_back(log[i]);
    else
      ++load.not_made;
  ::munmap(shared, bytes);
  return load;
}

double pair_ns(int pairs) {
  Listener listener = bind_one(false, true);
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < pairs; ++i) {
    const int client = new_socket(false);
    need(::connect(client, listener.address.get(), listener.address.size), "connect");
    const int server = need(::accept4(listener.socket, nullptr, nullptr, SOCK_CLOEXEC), "accept");
    reset(server);
    ::close(client);
  }
  const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
  ::close(listener.socket);
  return took.count() / pairs;
}

}  // namespace netrec
