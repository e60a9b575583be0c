#include "schema/default_path.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

namespace netrec {
namespace {

class DefaultPath : public testing::Test {
 protected:
  void SetUp() override {
    unsetenv("NETREC_FILE");
    unsetenv("XDG_STATE_HOME");
    setenv("HOME", "/home/ada", 1);
  }
};

TEST_F(DefaultPath, TheVariableDecidesForBothPrograms) {
  setenv("NETREC_FILE", "/evidence/host.netrec", 1);
  EXPECT_EQ(default_output_path(), "/evidence/host.netrec");
  EXPECT_EQ(default_timeline_path(), "/evidence/host.netrec");
}

TEST_F(DefaultPath, AUserHasATimelineOfTheirOwn) {
  EXPECT_EQ(user_timeline_path(), "/home/ada/.local/state/netrec/timeline.netrec");
  setenv("XDG_STATE_HOME", "/home/ada/state", 1);
  EXPECT_EQ(user_timeline_path(), "/home/ada/state/netrec/timeline.netrec");
}

TEST_F(DefaultPath, ARelativeOrEmptyStateDirectoryIsIgnored) {
  setenv("XDG_STATE_HOME", "state", 1);
  EXPECT_EQ(user_timeline_path(), "/home/ada/.local/state/netrec/timeline.netrec");
  setenv("XDG_STATE_HOME", "", 1);
  EXPECT_EQ(user_timeline_path(), "/home/ada/.local/state/netrec/timeline.netrec");
}

TEST_F(DefaultPath, WithoutAHomeThereIsNone) {
  unsetenv("HOME");
  EXPECT_EQ(user_timeline_path(), "");
}

TEST_F(DefaultPath, RootRecordsTheHost) {
  EXPECT_EQ(default_output_path(), geteuid() == 0 ? kSystemTimeline : user_timeline_path());
}

}  // namespace
}  // namespace netrec
