#include "bench/child.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>
#include <utility>

namespace netrec {

std::string build_folder() {
  const char* folder = std::getenv("NETREC_BUILD");
  return folder == nullptr ? "build/bench" : folder;
}

Child::Child(const std::vector<std::string>& command, const std::string& output) : pid_(::fork()) {
  if (pid_ != 0) return;
  const int file = ::open(output.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
  ::dup2(file, 1);
  ::dup2(file, 2);
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  ::execvp(arguments[0], arguments.data());
  std::_Exit(127);
}

Child Child::recorder(const std::string& capture, const std::string& path,
                      const std::vector<std::string>& more) {
  for (const char* ending : {"", "-wal", "-shm"}) std::filesystem::remove(path + ending);
  std::vector<std::string> command = {
      build_folder() + "/netrec-record", "--quiet", "--capture", capture, "--output", path};
  command.insert(command.end(), more.begin(), more.end());
  Child child(command, path + ".log");
  while (!std::filesystem::exists(path)) {
    if (::waitpid(child.pid_, nullptr, WNOHANG) != 0) {
      child.pid_ = 0;
      std::ostringstream log;
      log << std::ifstream(path + ".log").rdbuf();
      fmt::print(stderr, "{} ended at once; is NETREC_BUILD the folder it was built in?\n{}",
                 command[0], log.str());
      std::exit(1);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return child;
}

Child::Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, 0)) {}

double Child::cpu_seconds() const {
  clockid_t clock{};
  timespec used{};
  if (::clock_getcpuclockid(pid_, &clock) != 0 || ::clock_gettime(clock, &used) != 0) return 0;
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
}

double Child::memory_mb(const std::string& what) const {
  std::ifstream file(fmt::format("/proc/{}/status", pid_));
  std::string line;
  while (std::getline(file, line))
    if (line.starts_with(what + ":"))
      return std::strtod(line.c_str() + what.size() + 1, nullptr) / 1024;
  return 0;
}

void Child::pause() const { ::kill(pid_, SIGSTOP); }
void Child::resume() const { ::kill(pid_, SIGCONT); }

void Child::stop() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGINT);
  ::waitpid(std::exchange(pid_, 0), nullptr, 0);
}

void verdict(const std::string& text, double value, double bar, const std::string& unit) {
  fmt::print("{}  {:<62} {:10.2f}{}   (<= {:g}{})\n", value <= bar ? "ok  " : "MISS", text, value,
             unit, bar, unit);
}

void verdict(const std::string& text, bool met, const std::string& why) {
  fmt::print("{}  {:<62} {}\n", met ? "ok  " : "MISS", text, why);
}

}  // namespace netrec
