// A timeline in a folder of its own that is gone after the test, and the ticks it was written from.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "store/timeline.h"
#include "store/timeline_writer.h"
#include "tests/store/simulated_host.h"

namespace netrec {

class TimelineFixture : public testing::Test {
 protected:
  TimelineFixture();
  ~TimelineFixture() override;

  /// What the state was after each frame, by sequence.
  struct Past {
    Frame frame;
    Snapshot snapshot;
  };

  TimelineWriter open_writer(const WriterOptions& options = {});
  /// Begins a session: its keyframe is written.
  void begin(TimelineWriter& writer);
  /// Writes `count` ticks, with maintain() after each.
  void record(TimelineWriter& writer, int count);
  /// Ends the session and closes the file.
  void finish(TimelineWriter& writer);

  std::filesystem::path folder_;
  std::string path_;
  HostLoad load_;
  SimulatedHost host_{load_, 1};
  std::vector<Past> past_;  ///< [sequence - 1]; left empty if keep_past_ is false
  bool keep_past_ = true;
  std::uint64_t pruned_ = 0;  ///< frames that record() saw dropped
};

}  // namespace netrec
