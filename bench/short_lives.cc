// The load of process_bench: many programs that live a few milliseconds, each of which makes one
// TCP connection or sends one datagram over loopback and ends.
//
//   short_lives COUNT PROGRAM…        runs COUNT of them, the PROGRAMs (copies of this one) in turn
//
// Prints a line "NUMBER PID MICROSECONDS PROGRAM" for each: what it was told, and how long it lived
// as its parent saw it, fork to end. Each is called as PROGRAM tcp|udp PORT NUMBER.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>

namespace {

[[noreturn]] void give_up(const char* what) {
  std::perror(what);
  std::_Exit(3);
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// A socket bound to a port of loopback the kernel chose.
std::pair<int, std::uint16_t> open_service(int type) {
  const int service = socket(AF_INET, type | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof(address);
  if (bind(service, reinterpret_cast<sockaddr*>(&address), size) != 0) give_up("bind");
  if (type == SOCK_STREAM && listen(service, 512) != 0) give_up("listen");
  getsockname(service, reinterpret_cast<sockaddr*>(&address), &size);
  return {service, ntohs(address.sin_port)};
}

int live_once(std::string_view transport, std::uint16_t port) {
  const sockaddr_in address = loopback(port);
  const auto* to = reinterpret_cast<const sockaddr*>(&address);
  if (transport == "udp") {
    const int out = socket(AF_INET, SOCK_DGRAM, 0);
    return sendto(out, "once", 4, 0, to, sizeof(address)) == 4 ? 0 : 1;
  }
  const int out = socket(AF_INET, SOCK_STREAM, 0);
  return connect(out, to, sizeof(address)) == 0 ? 0 : 1;
}

void run_one(int number, std::string program, std::uint16_t tcp, std::uint16_t udp) {
  const bool is_tcp = number % 2 == 0;
  std::string transport = is_tcp ? "tcp" : "udp";
  std::string port = std::to_string(is_tcp ? tcp : udp);
  std::string name = fmt::format("number-{}", number);
  std::array<char*, 5> arguments = {program.data(), transport.data(), port.data(), name.data(),
                                    nullptr};
  std::array<char*, 1> environment = {nullptr};
  const auto began = std::chrono::steady_clock::now();
  pid_t child = 0;
  if (posix_spawn(&child, program.c_str(), nullptr, nullptr, arguments.data(),
                  environment.data()) != 0)
    give_up("posix_spawn");
  int status = 0;
  waitpid(child, &status, 0);
  const auto lived = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now() - began);
  if (status != 0) give_up("a program failed");
  fmt::print("{} {} {} {}\n", name, child, lived.count(), program);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 4 && std::string_view(argv[3]).starts_with("number-"))
    return live_once(argv[1], static_cast<std::uint16_t>(std::atoi(argv[2])));
  if (argc < 3) {
    fmt::print(stderr, "usage: short_lives COUNT PROGRAM…\n");
    return 2;
  }
  const auto [listener, tcp] = open_service(SOCK_STREAM);
  const auto [receiver, udp] = open_service(SOCK_DGRAM);
  std::thread([service = listener] {
    for (;;) close(accept4(service, nullptr, nullptr, SOCK_CLOEXEC));
  }).detach();
  const int count = std::atoi(argv[1]);
  for (int number = 0; number < count; ++number)
    run_one(number, argv[2 + number % (argc - 2)], tcp, udp);
  std::fflush(stdout);
  std::_Exit(0);
}
