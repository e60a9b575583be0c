#include "recorder/signals.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <utility>

namespace netrec {

Result<Signals> Signals::take_over() {
  sigset_t wanted;
  sigemptyset(&wanted);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&wanted, signal);
  if (sigprocmask(SIG_BLOCK, &wanted, nullptr) != 0)
    return tl::unexpected(system_error(errno, "block signals"));
  const int descriptor = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
  if (descriptor < 0) return tl::unexpected(system_error(errno, "signalfd"));
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  return Signals(descriptor);
}

Signals::Signals(Signals&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

Signals::~Signals() {
  if (descriptor_ >= 0) close(descriptor_);
}

std::optional<Request> Signals::wait(std::chrono::nanoseconds span, int bell) {
  using std::chrono::seconds;
  span = std::max(span, std::chrono::nanoseconds::zero());
  const auto whole = std::chrono::duration_cast<seconds>(span);
  const timespec timeout{.tv_sec = whole.count(), .tv_nsec = (span - whole).count()};
  pollfd polled[] = {{.fd = descriptor_, .events = POLLIN, .revents = 0},
                     {.fd = bell, .events = POLLIN, .revents = 0}};
  if (ppoll(polled, 2, &timeout, nullptr) <= 0 || polled[0].revents == 0) return std::nullopt;
  signalfd_siginfo signal{};
  if (read(descriptor_, &signal, sizeof signal) != sizeof signal) return std::nullopt;
  return signal.ssi_signo == SIGHUP ? Request::rotate : Request::stop;
}

}  // namespace netrec
