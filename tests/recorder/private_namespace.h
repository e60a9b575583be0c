// Runs something in a network namespace of its own, with loopback up, where nobody else's sockets
// get in the way. It ends with the thread that made it.
#pragma once

#include <gtest/gtest.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <functional>
#include <thread>

namespace netrec {

inline void raise_loopback() {
  const int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  EXPECT_EQ(ioctl(descriptor, SIOCSIFFLAGS, &request), 0);
  close(descriptor);
}

/// False if this process may not make namespaces.
inline bool in_private_namespace(const std::function<void()>& work) {
  bool made = false;
  std::thread inside([&] {
    if (unshare(CLONE_NEWNET) != 0) return;
    made = true;
    raise_loopback();
    work();
  });
  inside.join();
  return made;
}

}  // namespace netrec
