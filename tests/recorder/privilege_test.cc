#include "recorder/privilege.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/capability.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <functional>
#include <string>

namespace netrec {
namespace {

bool needs(const PrivilegeNeeds& of, int capability) {
  for (const NeededCapability& one : needed_capabilities(of))
    if (one.number == capability) return true;
  return false;
}

TEST(Privilege, NeedsOnlyWhatIsRecorded) {
  const PrivilegeNeeds all{.output = "./x.netrec"};
  EXPECT_TRUE(needs(all, CAP_SYS_PTRACE));
  EXPECT_TRUE(needs(all, CAP_SYS_ADMIN));
  EXPECT_TRUE(needs(all, CAP_BPF));
  EXPECT_FALSE(needs(all, CAP_SYS_MODULE));
  EXPECT_FALSE(needs({.other_namespaces = false, .output = "x"}, CAP_SYS_ADMIN));
  EXPECT_FALSE(needs({.events = false, .output = "x"}, CAP_BPF));
}

std::string status_line(const std::string& name) {
  std::ifstream file("/proc/thread-self/status");
  std::string line;
  while (std::getline(file, line))
    if (line.starts_with(name + ":")) return line.substr(line.find_last_of(" \t") + 1);
  return "";
}

class PrivilegeRoot : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  }
  /// What `check` says in a child that has let go of its privileges.
  static bool holds(const std::function<bool()>& check) {
    const pid_t child = ::fork();
    if (child == 0) {
      const Status dropped = drop_privileges({.output = "/root/x.netrec"});
      ::_exit(dropped && check() ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }
};

TEST_F(PrivilegeRoot, KeepsOnlyTheCapabilitiesItNeeds) {
  EXPECT_TRUE(holds([] {
    std::uint64_t wanted = 0;
    for (const NeededCapability& one : needed_capabilities({.output = "/root/x.netrec"}))
      wanted |= std::uint64_t{1} << one.number;
    return std::stoull(status_line("CapEff"), nullptr, 16) == wanted &&
           std::stoull(status_line("CapPrm"), nullptr, 16) == wanted &&
           std::stoull(status_line("CapBnd"), nullptr, 16) == wanted &&
           status_line("NoNewPrivs") == "1" && status_line("Seccomp") == "2";
  }));
}

TEST_F(PrivilegeRoot, StartsNoProgramAndListensNowhere) {
  EXPECT_TRUE(holds([] {
    ::execl("/bin/true", "true", static_cast<char*>(nullptr));
    return errno == EPERM;
  }));
  EXPECT_TRUE(holds([] {
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    return ::listen(socket, 1) != 0 && errno == EPERM;
  }));
}

TEST_F(PrivilegeRoot, StillSeesOtherProcessesAndWritesItsFile) {
  EXPECT_TRUE(holds([] {
    const int file = ::open("/root/.netrec_privilege_test", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    ::unlink("/root/.netrec_privilege_test");
    char target[256];
    const std::string other = "/proc/" + std::to_string(::getppid()) + "/exe";
    return file >= 0 && ::readlink(other.c_str(), target, sizeof(target)) > 0;
  }));
}

}  // namespace
}  // namespace netrec
