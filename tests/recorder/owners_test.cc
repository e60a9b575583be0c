#include "recorder/owners.h"

#include <sys/wait.h>

#include <algorithm>
#include <vector>

#include "tests/recorder/live_socket.h"

namespace netrec {
namespace {

const auto kSelf = static_cast<std::uint32_t>(getpid());

// Holders of other processes do not matter here: those of a test's own sockets are exact.
std::vector<Holder> holders_of(const Owners& owners, std::uint32_t inode) {
  const auto found = owners.holders(inode);
  return {found.begin(), found.end()};
}

Holder mine(const LiveSocket& socket) {
  return {.pid = kSelf, .descriptor = static_cast<std::uint32_t>(socket.descriptor())};
}

bool contains(std::span<const std::uint32_t> inodes, std::uint32_t inode) {
  return std::find(inodes.begin(), inodes.end(), inode) != inodes.end();
}

// A child that holds what its parent held, until it is told to end.
class Child {
 public:
  Child() {
    EXPECT_EQ(pipe(pipe_), 0);
    pid_ = fork();
    if (pid_ == 0) {
      char byte = 0;
      ::close(pipe_[1]);
      [[maybe_unused]] const auto end = read(pipe_[0], &byte, 1);
      _exit(0);
    }
    ::close(pipe_[0]);
  }
  ~Child() { end(); }
  void end() {
    if (pid_ <= 0) return;
    ::close(pipe_[1]);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  std::uint32_t pid() const { return static_cast<std::uint32_t>(pid_); }

 private:
  int pipe_[2] = {-1, -1};
  pid_t pid_ = 0;
};

// As a server does that forks for each connection: its own descriptor is closed after the fork.
TEST(Owners, SeesTheParentLetGoOfWhatItsChildGoesOnWith) {
  LiveSocket socket(AF_INET, SOCK_DGRAM, 0);
  Owners owners({.recheck_links = 0});
  const std::uint32_t inode = socket.inode();
  owners.update({&inode, 1}, {});
  ASSERT_EQ(holders_of(owners, inode), std::vector{mine(socket)});
  const Child child;
  const Holder childs{.pid = child.pid(), .descriptor = mine(socket).descriptor};
  for (int updates = 0; updates < 3 && holders_of(owners, inode).size() < 2; ++updates)
    owners.update({}, {});
  ASSERT_EQ(holders_of(owners, inode).size(), 2u);
  socket.close();
  owners.update({}, {});
  EXPECT_EQ(holders_of(owners, inode), std::vector{childs});
}

TEST(Owners, FindsTheHolderOfASocketThatWasThereBefore) {
  const LiveSocket socket(AF_INET, SOCK_DGRAM, 0);
  Owners owners;
  const std::uint32_t inode = socket.inode();
  const OwnersReport report = owners.update({&inode, 1}, {});
  EXPECT_EQ(report.found, 1u);
  EXPECT_EQ(report.not_found, 0u);
  EXPECT_EQ(holders_of(owners, inode), std::vector{mine(socket)});
  EXPECT_TRUE(contains(owners.changed(), inode));
}

TEST(Owners, FindsNewSocketsAtReusedAndAtHigherDescriptors) {
  Owners owners;
  std::vector<LiveSocket> sockets;
  std::vector<std::uint32_t> appeared;
  sockets.reserve(50);
  appeared.reserve(50);
  for (int i = 0; i < 50; ++i) sockets.emplace_back(AF_INET, SOCK_DGRAM, 0);
  for (const LiveSocket& socket : sockets) appeared.push_back(socket.inode());
  owners.update(appeared, {});
  std::vector<std::uint32_t> departed;
  for (int i = 0; i < 50; i += 5) {
    departed.push_back(sockets[static_cast<std::size_t>(i)].inode());
    sockets[static_cast<std::size_t>(i)].close();
  }
  appeared.clear();
  std::vector<LiveSocket> fresh;
  fresh.reserve(15);
  for (int i = 0; i < 15; ++i) fresh.emplace_back(AF_INET, SOCK_DGRAM, 0);
  for (const LiveSocket& socket : fresh) appeared.push_back(socket.inode());
  const OwnersReport report = owners.update(appeared, departed);
  EXPECT_EQ(report.found, 15u);
  for (const LiveSocket& socket : fresh)
    EXPECT_EQ(holders_of(owners, socket.inode()), std::vector{mine(socket)});
}

TEST(Owners, OnlyNewSocketsCostAnything) {
  Owners owners({.recheck_links = 0});
  std::vector<LiveSocket> sockets;
  std::vector<std::uint32_t> appeared;
  sockets.reserve(500);
  appeared.reserve(500);
  for (int i = 0; i < 500; ++i) sockets.emplace_back(AF_INET, SOCK_DGRAM, 0);
  for (const LiveSocket& socket : sockets) appeared.push_back(socket.inode());
  owners.update(appeared, {});
  // Processes that others start meanwhile are looked at; five hundred known sockets are not.
  EXPECT_LT(owners.update({}, {}).links_read, 500u);
}

TEST(Owners, FindsASocketAtADescriptorWhoseSocketLivesOnElsewhere) {
  Owners owners({.recheck_links = 0});
  const LiveSocket place(AF_INET, SOCK_DGRAM, 0);
  const std::uint32_t before = place.inode();
  const Child child;
  owners.update({&before, 1}, {});
  LiveSocket socket(AF_INET, SOCK_DGRAM, 0);
  ASSERT_EQ(dup2(socket.descriptor(), place.descriptor()), place.descriptor());
  socket.close();
  const std::uint32_t inode = place.inode();
  ASSERT_NE(inode, before);
  owners.update({&inode, 1}, {});
  EXPECT_EQ(holders_of(owners, inode), std::vector{mine(place)});
  for (const Holder& holder : holders_of(owners, before)) EXPECT_EQ(holder.pid, child.pid());
}

TEST(Owners, FindsASocketAtADescriptorWhereAFileWas) {
  Owners owners({.recheck_links = 0});
  const int file = dup(0);
  ASSERT_GE(file, 0);
  owners.update({}, {});
  LiveSocket socket(AF_INET, SOCK_DGRAM, 0);
  ASSERT_EQ(dup2(socket.descriptor(), file), file);
  socket.close();
  const LiveSocket moved(file);
  const std::uint32_t inode = moved.inode();
  for (int tick = 0; tick < 8 && owners.holders(inode).empty(); ++tick) {
    const std::span<const std::uint32_t> appeared(&inode, tick == 0 ? 1 : 0);
    owners.update(appeared, {});
  }
  EXPECT_EQ(holders_of(owners, inode), std::vector{mine(moved)});
}

TEST(Owners, AForkedChildHoldsItsParentsSocketsToo) {
  Owners owners;
  const LiveSocket socket(AF_INET, SOCK_DGRAM, 0);
  const std::uint32_t inode = socket.inode();
  owners.update({&inode, 1}, {});
  Child child;
  owners.update({}, {});
  const std::vector both{mine(socket), Holder{child.pid(), mine(socket).descriptor}};
  auto held = holders_of(owners, inode);
  EXPECT_TRUE(std::is_permutation(held.begin(), held.end(), both.begin(), both.end()));
  EXPECT_TRUE(contains(owners.changed(), inode));
  child.end();
  owners.update({}, {});
  EXPECT_EQ(holders_of(owners, inode), std::vector{mine(socket)});
  EXPECT_TRUE(contains(owners.changed(), inode));
}

TEST(Owners, ASocketThatOutlivesItsOwnerIsFoundWithTheChild) {
  Owners owners({.recheck_links = 1'000'000});
  LiveSocket socket(AF_INET, SOCK_DGRAM, 0);
  const std::uint32_t inode = socket.inode();
  const std::uint32_t descriptor = mine(socket).descriptor;
  owners.update({&inode, 1}, {});
  const Child child;
  socket.close();
  const std::vector the_childs{Holder{child.pid(), descriptor}};
  for (int tick = 0; tick < 2000 && holders_of(owners, inode) != the_childs; ++tick)
    owners.update({}, {});
  EXPECT_EQ(holders_of(owners, inode), the_childs);
}

TEST(Owners, ADuplicateIsFoundByLookingAgain) {
  Owners owners({.recheck_links = 1'000'000});
  const LiveSocket socket(AF_INET, SOCK_DGRAM, 0);
  const std::uint32_t inode = socket.inode();
  owners.update({&inode, 1}, {});
  const LiveSocket duplicate(dup(socket.descriptor()));
  for (int tick = 0; tick < 200 && owners.holders(inode).size() < 2; ++tick) owners.update({}, {});
  EXPECT_EQ(holders_of(owners, inode), (std::vector{mine(socket), mine(duplicate)}));
}

TEST(Owners, ASocketNobodyHoldsIsReportedAndDoesNotStayExpensive) {
  Owners owners({.recheck_links = 0});
  const std::uint32_t nobodys = 4'000'000'000u;
  const OwnersReport report = owners.update({&nobodys, 1}, {});
  EXPECT_EQ(report.not_found, 1u);
  EXPECT_TRUE(owners.holders(nobodys).empty());
  int cheap_in_a_row = 0;
  for (int tick = 0; tick < 3000 && cheap_in_a_row < 15; ++tick)
    cheap_in_a_row = owners.update({}, {}).links_read > 100 ? 0 : cheap_in_a_row + 1;
  EXPECT_EQ(cheap_in_a_row, 15);
}

TEST(Owners, ADepartedSocketHasNoHolders) {
  Owners owners;
  LiveSocket socket(AF_INET, SOCK_DGRAM, 0);
  const std::uint32_t inode = socket.inode();
  owners.update({&inode, 1}, {});
  socket.close();
  owners.update({}, {&inode, 1});
  EXPECT_TRUE(owners.holders(inode).empty());
  EXPECT_FALSE(contains(owners.changed(), inode));
}

TEST(Owners, AFasterScanIsUsedWhenThereIsOne) {
  Owners owners({.recheck_links = 0});
  int scans = 0;
  owners.use([&](const DescriptorVisitor& visit) -> Status {
    ++scans;
    visit({.pid = kSelf, .descriptor = 77}, 4'000'000'001u);
    return {};
  });
  const std::uint32_t inode = 4'000'000'001u;
  EXPECT_EQ(owners.update({&inode, 1}, {}).found, 1u);
  EXPECT_EQ(scans, 1);
  EXPECT_EQ(holders_of(owners, inode), (std::vector{Holder{kSelf, 77}}));
}

TEST(Owners, AScanThatFailsIsReplacedByProc) {
  Owners owners;
  owners.use(
      [](const DescriptorVisitor&) -> Status { return failure(ErrorKind::permission, "no"); });
  const LiveSocket socket(AF_INET, SOCK_DGRAM, 0);
  const std::uint32_t inode = socket.inode();
  EXPECT_EQ(owners.update({&inode, 1}, {}).found, 1u);
}

}  // namespace
}  // namespace netrec
