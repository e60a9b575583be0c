// Who accepts through io_uring: no system call returns the socket, so the ring's own tracepoint
// tells.
#include <gtest/gtest.h>
#include <liburing.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/recorder/captured_events.h"
#include "tests/recorder/live_socket.h"

namespace netrec {
namespace {

const std::uint32_t kOwnPid = static_cast<std::uint32_t>(::getpid());

class RingCaptureBpf : public CapturedEvents {
 protected:
  void SetUp() override {
    CapturedEvents::SetUp();
    if (IsSkipped()) return;
    if (!source->works("rings")) GTEST_SKIP() << "no tracepoint of io_uring here";
    if (const int error = ::io_uring_queue_init(8, &ring, 0); error != 0)
      GTEST_SKIP() << "io_uring: " << std::strerror(-error);
    has_ring = true;
    port = listener.bind_loopback(AF_INET);
    ASSERT_EQ(::listen(listener.descriptor(), 8), 0);
  }
  void TearDown() override {
    if (has_ring) ::io_uring_queue_exit(&ring);
  }

  /// Submits what was prepared, connects, and says what came of it.
  int accept_one() {
    ::io_uring_submit(&ring);
    client.connect_loopback(AF_INET, port);
    io_uring_cqe* done = nullptr;
    EXPECT_EQ(::io_uring_wait_cqe(&ring, &done), 0);
    const int result = done->res;
    ::io_uring_cqe_seen(&ring, done);
    return result;
  }

  /// The end that came in, as the frame has it.
  Socket accepted(const Tick& tick) const {
    for (const Socket& row : tick.frame.delta.of<Socket>().opened)
      if (row.local_port == port && row.state == TcpState::established) return row;
    return {};
  }

  io_uring ring{};
  bool has_ring = false;
  LiveSocket listener{AF_INET, SOCK_STREAM, 0};
  LiveSocket client{AF_INET, SOCK_STREAM, 0};
  std::uint16_t port = 0;
};

TEST_F(RingCaptureBpf, AnAcceptHasItsOwnerAtOnce) {
  ::io_uring_prep_accept(::io_uring_get_sqe(&ring), listener.descriptor(), nullptr, nullptr, 0);
  const LiveSocket server(accept_one());
  ASSERT_TRUE(server.is_open());
  const Socket row = accepted(next_frame());
  EXPECT_EQ(row.cookie, server.cookie());
  EXPECT_EQ(row.inode, server.inode());
  EXPECT_EQ(row.descriptor, static_cast<std::uint32_t>(server.descriptor()));
  EXPECT_EQ(process(row.process).pid, kOwnPid);
}

TEST_F(RingCaptureBpf, AMultishotAcceptHasItsOwnerEachTime) {
  ::io_uring_prep_multishot_accept(::io_uring_get_sqe(&ring), listener.descriptor(), nullptr,
                                   nullptr, 0);
  const LiveSocket first(accept_one());
  client = LiveSocket(AF_INET, SOCK_STREAM, 0);
  next_frame();
  const LiveSocket second(accept_one());
  const Socket row = accepted(next_frame());
  EXPECT_EQ(row.inode, second.inode());
  EXPECT_EQ(process(row.process).pid, kOwnPid);
}

// Into the ring's own table, where it has no descriptor.
TEST_F(RingCaptureBpf, AnAcceptWithoutADescriptorHasItsOwnerToo) {
  ASSERT_EQ(::io_uring_register_files_sparse(&ring, 8), 0);
  ::io_uring_prep_accept_direct(::io_uring_get_sqe(&ring), listener.descriptor(), nullptr, nullptr,
                                0, 3);
  ASSERT_EQ(accept_one(), 0);
  const Socket row = accepted(next_frame());
  EXPECT_NE(row.inode, 0U);
  EXPECT_EQ(process(row.process).pid, kOwnPid);
}

}  // namespace
}  // namespace netrec
