#include "recorder/exe_hashes.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <thread>

namespace netrec {
namespace {

// SHA-256 of "abc", FIPS 180-2.
constexpr const char* kAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

class ExeHashesTest : public testing::Test {
 protected:
  ExeHashesTest() { put(path, "abc"); }
  ~ExeHashesTest() override { std::remove(path.c_str()); }

  static void put(const std::string& where, const std::string& bytes) {
    std::ofstream(where) << bytes;
  }
  Executable executable() const {
    struct stat status {};
    ::stat(path.c_str(), &status);
    return {.process = 7,
            .pid = static_cast<std::uint32_t>(::getpid()),
            .path = path,
            .device = status.st_dev,
            .inode = status.st_ino};
  }
  std::string ask(ExeHashes& hashes, const Executable& one) {
    hashes.ask(one);
    for (int i = 0; i < 1000; ++i) {
      const auto done = hashes.take();
      if (!done.empty()) {
        EXPECT_EQ(done[0].process, 7U);
        return done[0].text;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return "nothing came";
  }

  std::string path = testing::TempDir() + "exe_hashes_test." + std::to_string(::getpid());
};

TEST_F(ExeHashesTest, HashesTheFileTheProgramWasStartedFrom) {
  ExeHashes hashes;
  EXPECT_EQ(ask(hashes, executable()), kAbc);
}

TEST_F(ExeHashesTest, NeverTakesAnotherFileThatLiesThereNow) {
  Executable one = executable();
  one.inode += 1;
  ExeHashes hashes;
  EXPECT_EQ(ask(hashes, one), "failed: another file is at " + path + " now");
}

TEST_F(ExeHashesTest, SaysThatAFileIsGone) {
  const Executable one = executable();
  std::remove(path.c_str());
  ExeHashes hashes;
  EXPECT_TRUE(ask(hashes, one).starts_with("failed: open " + path));
}

TEST_F(ExeHashesTest, AFileThatChangedIsHashedAgain) {
  ExeHashes hashes;
  EXPECT_EQ(ask(hashes, executable()), kAbc);
  put(path, "abcd");
  EXPECT_NE(ask(hashes, executable()), kAbc);
}

TEST_F(ExeHashesTest, DoesNotReadMoreThanItMay) {
  const Executable one = executable();
  EXPECT_TRUE(hash_file(path, one.device, one.inode, 3));
  EXPECT_FALSE(hash_file(path, one.device, one.inode, 2));
}

TEST_F(ExeHashesTest, EndsWithoutFinishing) {
  ExeHashes hashes;
  for (int i = 0; i < 100; ++i) hashes.ask(executable());
}

}  // namespace
}  // namespace netrec
