// The eBPF programs of this kernel and the folder behind them, for tests that make real traffic and
// look at the frame it became.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "recorder/event_folder.h"
#include "recorder/event_source.h"

namespace netrec {

/// The parameter, where a test has one, is the address family.
class CapturedEvents : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    if (!events_are_built()) GTEST_SKIP() << "built without the eBPF programs";
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    auto started = EventSource::start({});
    if (!started) GTEST_SKIP() << started.error().message;
    source = std::move(*started);
    observer.sockets().use_events(EventCapture::on);
    observer.processes().trust_events(true);
    observer.begin(clock.now());
    observer.begin_session({});
    source->drain(folder);
    next_frame();
  }

  /// Folds all there is and takes the frame.
  Tick next_frame() {
    const Instant now = clock.now();
    source->drain(folder);
    const Status read = source->read_peers([this](const peer_key& key, const peer_counts& counts) {
      folder.peers().counted(key, counts);
    });
    EXPECT_TRUE(read);
    folder.peers().end_reading(now.boot);
    folder.settle(now.boot + std::chrono::milliseconds(10));
    Tick tick = observer.end(clock.now());
    observer.commit(clock.now());
    observer.begin(clock.now());
    EXPECT_EQ(source->take_losses().total(), 0U);
    return tick;
  }

  std::string text(std::uint32_t id) const { return std::string(observer.state().text(id)); }
  const Process& process(std::uint32_t id) const {
    static const Process kNone;
    const Process* row = observer.state().of<Process>().find(id);
    return row == nullptr ? kNone : *row;
  }

  SystemClock clock;
  Observer observer{Resume{}, clock};
  EventFolder folder{observer};
  std::unique_ptr<EventSource> source;
};

/// The peer with that remote port, as the frame opened it; nullptr if there is none.
inline const Peer* peer_with(const Tick& tick, std::uint16_t remote_port) {
  for (const Peer& row : tick.frame.delta.of<Peer>().opened)
    if (row.remote_port == remote_port) return &row;
  return nullptr;
}

}  // namespace netrec
