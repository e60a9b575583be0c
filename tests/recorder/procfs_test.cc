#include "recorder/procfs.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "recorder/host.h"
#include "tests/recorder/collecting_sinks.h"

namespace netrec {
namespace {

std::string stat_line(std::string_view comm) {
  return "812 (" + std::string(comm) +
         ") S 1 812 812 0 -1 4194560 2081 7 0 0 5 3 0 0 20 0 3 0 12345 17121280 1021 "
         "18446744073709551615\n";
}

TEST(Procfs, ReadsTheStatOfAProcess) {
  const std::string line = stat_line("nginx");
  const auto stat = parse_process_stat(line);
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->pid, 812u);
  EXPECT_EQ(stat->comm, "nginx");
  EXPECT_EQ(stat->state, 'S');
  EXPECT_EQ(stat->parent_pid, 1u);
  EXPECT_EQ(stat->start_us, 123'450'000u);
  EXPECT_EQ(stat->arguments_begin, 0u) << "the line ends before";
}

TEST(Procfs, ReadsWhereTheArgumentsLie) {
  // Fields 26 to 52 of proc_pid_stat(5), as a kernel of today prints them.
  const std::string line = stat_line("nginx").substr(0, stat_line("nginx").size() - 1) +
                           " 9 8 7 0 0 0 4096 16386 0 0 0 0 17 1 0 0 0 0 0 6 5 4 "
                           "140733333333333 140733333333444 3 0\n";
  const auto stat = parse_process_stat(line);
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->arguments_begin, 140733333333333u);
  EXPECT_EQ(stat->arguments_end, 140733333333444u);
}

TEST(Procfs, ANameMayHoldParenthesesSpacesAndNewlines) {
  for (const std::string_view name :
       {") R 666 (", "a b", "x\ny", "", "(((", ")))", ") S 99 99 99 0 -1", "\xff\xfe"}) {
    const std::string line = stat_line(name);
    const auto stat = parse_process_stat(line);
    ASSERT_TRUE(stat) << name;
    EXPECT_EQ(stat->comm, name);
    EXPECT_EQ(stat->parent_pid, 1u) << name;
    EXPECT_EQ(stat->start_us, 123'450'000u) << name;
  }
}

TEST(Procfs, AStatCutShortIsCorruptOrStillTheTruth) {
  const std::string line = stat_line("nginx");
  const std::size_t start_ends = line.find(" 17121280");
  for (std::size_t size = 0; size < start_ends - 5; ++size) {
    const auto stat = parse_process_stat(std::string_view(line).substr(0, size));
    ASSERT_FALSE(stat) << size;
    EXPECT_EQ(stat.error().kind, ErrorKind::corrupt);
  }
  EXPECT_TRUE(parse_process_stat(std::string_view(line).substr(0, start_ends)));
}

TEST(Procfs, NumbersThatDoNotFitAreRefused) {
  EXPECT_FALSE(parse_process_stat("99999999999999999999 (x) S 1"));
  EXPECT_FALSE(parse_process_stat("-1 (x) S 1"));
  EXPECT_FALSE(parse_process_stat("1 )x( S 1"));
}

TEST(Procfs, FindsTheUidsOfAProcess) {
  const auto uids = parse_process_uids("Name:\tsudo\nUmask:\t0022\nUid:\t1000\t0\t0\t0\nGid:\t1\n");
  ASSERT_TRUE(uids);
  EXPECT_EQ(uids->real, 1000u);
  EXPECT_EQ(uids->effective, 0u);
  EXPECT_FALSE(parse_process_uids(""));
  EXPECT_FALSE(parse_process_uids("Uid:\t1000"));
  EXPECT_FALSE(parse_process_uids("Name: Uid:\t1\t1\n"));
}

TEST(Procfs, PrefersTheUnifiedCgroup) {
  EXPECT_EQ(parse_cgroup("0::/system.slice/nginx.service\n"), "/system.slice/nginx.service");
  EXPECT_EQ(parse_cgroup("4:memory:/x\n1:name=systemd:/user.slice\n"), "/user.slice");
  EXPECT_EQ(parse_cgroup("1:name=systemd:/a\n0::/b\n"), "/b");
  EXPECT_EQ(parse_cgroup("4:memory:/x"), "");
  EXPECT_EQ(parse_cgroup(""), "");
}

TEST(Procfs, TellsADeletedExecutable) {
  EXPECT_EQ(parse_exe_link("/usr/sbin/nginx").path, "/usr/sbin/nginx");
  EXPECT_FALSE(parse_exe_link("/usr/sbin/nginx").deleted);
  EXPECT_EQ(parse_exe_link("/tmp/x (deleted)").path, "/tmp/x");
  EXPECT_TRUE(parse_exe_link("/tmp/x (deleted)").deleted);
}

TEST(Procfs, ReadsUsersAndPassesOverWhatIsNone) {
  const auto users = parse_users(
      "root:x:0:0:root:/root:/bin/bash\ntoor:x:0:0::/:\n# no\n\n:x:7:7::/:\nlost:x\n"
      "nan:x:abc:1::/:\nlast:x:1000");
  ASSERT_EQ(users.size(), 2u);
  EXPECT_EQ(users[0].name, "root");
  EXPECT_EQ(users[0].uid, 0u);
  EXPECT_EQ(users[1].name, "last");
  EXPECT_EQ(users[1].uid, 1000u);
}

TEST(Procfs, ReadsItself) {
  CollectedSockets texts;
  const auto process = read_process(static_cast<std::uint32_t>(getpid()), texts);
  ASSERT_TRUE(process) << process.error().message;
  EXPECT_EQ(process->pid, static_cast<std::uint32_t>(getpid()));
  EXPECT_EQ(process->parent_pid, static_cast<std::uint32_t>(getppid()));
  EXPECT_EQ(process->uid, getuid());
  EXPECT_EQ(process->effective_uid, geteuid());
  EXPECT_EQ(texts.texts.at(process->exe), std::filesystem::read_symlink("/proc/self/exe"));
  EXPECT_NE(process->exe_inode, 0u);
  EXPECT_EQ(process->exe_deleted, 0);
  EXPECT_GT(process->start_us, 0u);
  EXPECT_EQ(*start_of(process->pid), process->start_us);
  const std::string arguments = texts.texts.at(process->command_line);
  EXPECT_NE(arguments.find("recorder_test"), std::string::npos);
  EXPECT_NE(arguments.back(), '\0');
}

TEST(Procfs, ReadsAProcessWithAHostileNameAndADeletedExecutable) {
  const std::string program =
      testing::TempDir() + "netrec procfs (deleted) " + std::to_string(getpid());
  std::filesystem::copy_file("/bin/sleep", program);
  const pid_t child = fork();
  if (child == 0) {
    execl(program.c_str(), "sl\n) ee (p", "60", nullptr);
    _exit(1);
  }
  CollectedSockets texts;
  Result<Process> process = failure(ErrorKind::not_found, "not read yet");
  for (int tries = 0; tries < 500; ++tries) {
    process = read_process(static_cast<std::uint32_t>(child), texts);
    if (process && texts.texts.at(process->exe) == program) break;
    usleep(1'000);
  }
  std::filesystem::remove(program);
  process = read_process(static_cast<std::uint32_t>(child), texts);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  ASSERT_TRUE(process) << process.error().message;
  EXPECT_EQ(texts.texts.at(process->exe), program);
  EXPECT_EQ(process->exe_deleted, 1);
  EXPECT_EQ(texts.texts.at(process->command_line), std::string("sl\n) ee (p") + '\0' + "60");
  EXPECT_EQ(process->parent_pid, static_cast<std::uint32_t>(getpid()));
  const auto gone = read_process(static_cast<std::uint32_t>(child), texts);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().kind, ErrorKind::not_found);
}

// Two shells that become each other again and again: whichever is met, its arguments are its own.
// Once as the machine is, and once with each exec's stack where the last one's was.
class ExecMeanwhile : public testing::TestWithParam<unsigned long> {};

INSTANTIATE_TEST_SUITE_P(Procfs, ExecMeanwhile, testing::Values(0ul, ADDR_NO_RANDOMIZE));

TEST_P(ExecMeanwhile, GivesNoProgramAnothersArguments) {
  const std::string folder = testing::TempDir() + "netrec_exec_" + std::to_string(getpid()) + "_";
  const std::string one = folder + "one", two = folder + "two";
  for (const std::string& program : {one, two}) std::filesystem::copy_file("/bin/sh", program);
  const char* const script = "exec \"$2\" -c \"$0\" \"$0\" \"$2\" \"$1\"";
  const pid_t child = fork();
  if (child == 0) {
    personality(GetParam());
    execl(one.c_str(), one.c_str(), "-c", script, script, one.c_str(), two.c_str(), nullptr);
    _exit(1);
  }
  CollectedSockets texts;
  int met = 0, torn = 0, unsure = 0;
  for (int looks = 0; looks < 2'000; ++looks) {
    const auto process = read_process(static_cast<std::uint32_t>(child), texts);
    if (!process) break;
    const std::string exe = texts.texts.at(process->exe);
    if (exe != one && exe != two) continue;  // not begun
    ++met;
    const std::string arguments = texts.texts.at(process->command_line);
    if (arguments.empty())
      ++unsure;  // exec after exec: said of none
    else if (arguments.substr(0, arguments.find('\0')) != exe)
      ++torn;
  }
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  for (const std::string& program : {one, two}) std::filesystem::remove(program);
  EXPECT_EQ(torn, 0);
  EXPECT_LT(unsure, met / 10);
  EXPECT_GT(met, 1'000);
}

TEST(Procfs, AFileIsReadToItsLimit) {
  const std::string path = testing::TempDir() + "netrec_read_file_" + std::to_string(getpid());
  std::ofstream(path) << std::string(10'000, 'x');
  EXPECT_EQ(read_file(path.c_str())->size(), 10'000u);
  EXPECT_EQ(read_file(path.c_str(), 5000)->size(), 5000u);
  std::filesystem::remove(path);
  EXPECT_EQ(read_file(path.c_str()).error().kind, ErrorKind::not_found);
}

TEST(Host, KnowsWhichBootAndKernelThisIs) {
  const HostIdentity host = read_host_identity();
  EXPECT_FALSE(host.host.empty());
  EXPECT_EQ(host.boot_id.size(), 36u);
  EXPECT_EQ(host.kernel.rfind("Linux ", 0), 0u);
  EXPECT_NE(host.time_zone.find_first_of("+-"), std::string::npos);
  EXPECT_EQ(geteuid() == 0, effective_capabilities() != 0);
}

}  // namespace
}  // namespace netrec
