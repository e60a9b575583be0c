#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/membarrier.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <thread>

#include "recorder/bpf_programs.h"
#include "recorder/event_source.h"
#include "recorder/probe.h"

namespace netrec {

namespace {

// What the ring's first event is followed by within this time is taken out with it.
constexpr std::chrono::milliseconds kGather{50};
// A tick may take long (a chunk is sealed, the disk is slow); until it is done, events are kept.
constexpr std::size_t kMostKept = 64 << 20;
constexpr std::size_t kKeptAtRest = 256 << 10;
// What a late tick asked for is given back when so many others did with a quarter of it.
constexpr int kRestsBeforeGiving = 100;

}  // namespace

struct EventSource::State {
  BpfPrograms programs;
  ring_buffer* ring = nullptr;
  // Records taken out of the ring and not decoded yet: each its size in eight bytes, then itself.
  std::mutex mutex;              // of the ring's reading side, `kept` and `enough_ns`
  std::uint64_t enough_ns = 0;   // a later event ends the reading: it must not chase a busy kernel
  std::vector<std::byte> early;  // that event: it belongs to the next reading
  std::vector<std::byte> kept;
  std::vector<std::byte> decoding;
  int rests = 0;      // times in turn that little was decoded
  int bell = -1;      // an eventfd: something is kept
  int quit = -1;      // an eventfd: the reader is to end
  int awaiting = -1;  // an epoll of the ring, told when the kernel wakes its reader, and of `quit`
  std::thread reader;
  std::uint64_t malformed = 0;
  std::uint64_t packets_before = 0;
  std::vector<std::uint64_t> lost_before = std::vector<std::uint64_t>(EVENT_KINDS);

  explicit State(BpfPrograms loaded) : programs(std::move(loaded)) {}
  ~State();
  Status open_waiting();
  bool keep(std::span<const std::byte> record);
  void read_on();
  bool wait(std::chrono::milliseconds span, bool& woken) const;
  bool read_ring();
  void decode(EventSink& sink);
};

EventSource::State::~State() {
  if (reader.joinable()) {
    ::eventfd_write(quit, 1);
    reader.join();
  }
  ring_buffer__free(ring);
  for (const int descriptor : {awaiting, quit, bell})
    if (descriptor >= 0) ::close(descriptor);
}

// Edge-triggered, because a ring is "readable" while anything is in it: only the kernel's waking
// counts.
Status EventSource::State::open_waiting() {
  bell = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  quit = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  awaiting = ::epoll_create1(EPOLL_CLOEXEC);
  epoll_event of_ring{.events = EPOLLIN | EPOLLET, .data = {.fd = programs.ring_fd()}};
  epoll_event of_quit{.events = EPOLLIN, .data = {.fd = quit}};
  if (bell < 0 || quit < 0 || awaiting < 0 ||
      ::epoll_ctl(awaiting, EPOLL_CTL_ADD, programs.ring_fd(), &of_ring) != 0 ||
      ::epoll_ctl(awaiting, EPOLL_CTL_ADD, quit, &of_quit) != 0)
    return tl::unexpected<Error>(system_error(errno, "wait for the ring of events"));
  return {};
}

// False: that was enough for now.
bool EventSource::State::keep(std::span<const std::byte> record) {
  event_header event{};
  if (record.size() >= sizeof(event)) std::memcpy(&event, record.data(), sizeof(event));
  const bool is_early = event.at_ns > enough_ns;
  std::vector<std::byte>& there = is_early ? early : kept;
  const std::uint64_t size = record.size();
  const auto* header = reinterpret_cast<const std::byte*>(&size);
  there.insert(there.end(), header, header + sizeof(size));
  there.insert(there.end(), record.begin(), record.end());
  return !is_early;
}

// Takes out what was in the ring when it was called. False: there is more. REQUIRES: the mutex.
bool EventSource::State::read_ring() {
  kept.insert(kept.end(), early.begin(), early.end());
  early.clear();
  programs.await_program();
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  enough_ns = static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
              static_cast<std::uint64_t>(now.tv_nsec);
  return ring_buffer__consume(ring) >= 0;
}

// Waits until the kernel wakes the ring's reader, or for `span` (negative: without end). False: it
// is time to end.
bool EventSource::State::wait(std::chrono::milliseconds span, bool& woken) const {
  epoll_event event{};
  const int count = ::epoll_wait(awaiting, &event, 1, static_cast<int>(span.count()));
  woken = count > 0;
  return !woken || event.data.fd != quit;
}

// The thread that empties the ring, whatever the recorder is busy with. More than can be kept stays
// in the ring, and when that is full, is counted as lost.
void EventSource::State::read_on() {
  for (bool woken = false, all = true;;) {
    if (all && !wait(std::chrono::milliseconds(-1), woken)) return;
    if (all && !woken) continue;  // A signal, in a debugger.
    if (!wait(kGather, woken)) return;
    {
      const std::lock_guard lock(mutex);
      all = kept.size() < kMostKept && read_ring();
    }
    ::eventfd_write(bell, 1);
  }
}

void EventSource::State::decode(EventSink& sink) {
  std::span<const std::byte> rest(decoding);
  while (!rest.empty()) {
    std::uint64_t size = 0;
    std::memcpy(&size, rest.data(), sizeof(size));
    if (!decode_event(rest.subspan(sizeof(size), size), sink)) ++malformed;
    rest = rest.subspan(sizeof(size) + size);
  }
  const bool was_needed = decoding.size() > decoding.capacity() / 4;
  decoding.clear();
  rests = was_needed ? 0 : rests + 1;
  if (decoding.capacity() > kKeptAtRest && rests > kRestsBeforeGiving) decoding = {};
}

namespace {

std::uint64_t& field_of(EventLosses& losses, std::uint32_t kind) {
  switch (kind) {
    case EVENT_DNS:
      return losses.names;
    case EVENT_SOCKET_ACCEPTED:
      return losses.owners;
    case EVENT_PROCESS_FORKED:
    case EVENT_PROCESS_EXECUTED:
    case EVENT_PROCESS_EXITED:
      return losses.processes;
    case EVENT_SOCKET_IDENTIFIED:
    case EVENT_SOCKET_CHANGED:
    case EVENT_SOCKET_CLOSED:
      return losses.sockets;
    default:
      return losses.others;
  }
}

}  // namespace

EventSource::EventSource(std::unique_ptr<State> state) : state_(std::move(state)) {}
EventSource::~EventSource() = default;

Result<std::unique_ptr<EventSource>> EventSource::start(const EventSourceOptions& options) {
  NETREC_TRY(programs, BpfPrograms::load(options));
  auto state = std::make_unique<State>(std::move(programs));
  const auto handle = [](void* context, void* data, std::size_t size) {
    const bool goes_on =
        static_cast<State*>(context)->keep({static_cast<const std::byte*>(data), size});
    return goes_on ? 0 : -EAGAIN;
  };
  state->ring = ring_buffer__new(state->programs.ring_fd(), handle, state.get(), nullptr);
  if (state->ring == nullptr)
    return tl::unexpected<Error>(system_error(errno, "map the ring of events"));
  NETREC_CHECKED(state->open_waiting());
  std::unique_ptr<EventSource> source(new EventSource(std::move(state)));
  NETREC_TRY(trial, try_probes(*source));
  for (const ProbeFailure& failed : trial)
    source->state_->programs.detach(failed.probe, failed.why);
  if (!source->works("tcp"))
    return failure(ErrorKind::unsupported, "watch TCP transitions: {}",
                   source->probes().front().failure);
  return source;
}

std::chrono::microseconds EventSource::drain(EventSink& sink) {
  std::chrono::nanoseconds told{};
  {
    const std::lock_guard lock(state_->mutex);
    eventfd_t rung = 0;
    ::eventfd_read(state_->bell, &rung);
    state_->read_ring();
    told = std::chrono::nanoseconds(state_->enough_ns);
    std::swap(state_->kept, state_->decoding);
  }
  state_->decode(sink);
  return std::chrono::duration_cast<std::chrono::microseconds>(told);
}

void EventSource::read_on() {
  if (!state_->reader.joinable())
    state_->reader = std::thread([state = state_.get()] { state->read_on(); });
}

int EventSource::bell() const { return state_->bell; }

// A packet may be counted into the map that was turned away from as long as a program that saw the
// old turn runs; membarrier(2) returns when none does any more.
Status EventSource::read_peers(const PeerVisitor& visit) {
  if (!works("traffic")) return {};
  const int map = state_->programs.turn_peers();
  peer_key key{};
  if (::bpf_map_get_next_key(map, nullptr, &key) != 0) return {};
  ::syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
  constexpr std::uint32_t kBatch = 256;
  std::vector<peer_key> keys(kBatch);
  std::vector<peer_counts> counts(kBatch);
  std::uint32_t position = 0;
  for (bool first = true;; first = false) {
    std::uint32_t count = kBatch;
    const int result = ::bpf_map_lookup_and_delete_batch(
        map, first ? nullptr : &position, &position, keys.data(), counts.data(), &count, nullptr);
    if (result != 0 && errno != ENOENT)
      return tl::unexpected<Error>(system_error(errno, "read the peers"));
    for (std::uint32_t i = 0; i < count; ++i) visit(keys[i], counts[i]);
    if (result != 0) return {};
  }
}

Status EventSource::read_descriptors(const SocketDescriptorVisitor& visit) {
  const int pass = state_->programs.open_descriptor_pass();
  if (pass < 0) return tl::unexpected<Error>(system_error(errno, "iterate over descriptors"));
  std::array<std::byte, 64 * 1024> buffer;
  std::size_t filled = 0;
  int failed = 0;
  for (;;) {
    const ssize_t got = ::read(pass, buffer.data() + filled, buffer.size() - filled);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got <= 0) {
      failed = got < 0 ? errno : 0;
      break;
    }
    filled += static_cast<std::size_t>(got);
    std::size_t used = 0;
    for (; filled - used >= sizeof(socket_descriptor); used += sizeof(socket_descriptor)) {
      socket_descriptor found;
      std::memcpy(&found, buffer.data() + used, sizeof(found));
      visit(found.pid, found.descriptor, static_cast<std::uint32_t>(found.inode));
    }
    std::memmove(buffer.data(), buffer.data() + used, filled - used);
    filled -= used;
  }
  ::close(pass);
  if (failed != 0) return tl::unexpected<Error>(system_error(failed, "iterate over descriptors"));
  return {};
}

Result<GlanceReport> EventSource::glance(const GlanceVisitor& visit) {
  if (!works("glance")) return failure(ErrorKind::unsupported, "there are no glances");
  using Run = BpfPrograms::GlanceRun;
  for (Run run = Run::first;; run = Run::next) {
    NETREC_TRY(found, state_->programs.glance(run));
    for (const tcp_glance& seen : found.shown) visit(seen);
    if (found.is_last) return GlanceReport{.is_shared = found.is_shared};
  }
}

EventLosses EventSource::take_losses() {
  EventLosses losses;
  losses.malformed = std::exchange(state_->malformed, 0);
  for (std::uint32_t kind = 0; kind < EVENT_KINDS; ++kind) {
    const std::uint64_t now = state_->programs.lost(kind);
    field_of(losses, kind) += now - std::exchange(state_->lost_before[kind], now);
  }
  const std::uint64_t packets = state_->programs.lost_packets();
  losses.packets = packets - std::exchange(state_->packets_before, packets);
  return losses;
}

const std::vector<Probe>& EventSource::probes() const { return state_->programs.probes(); }

bool EventSource::works(std::string_view probe) const {
  for (const Probe& candidate : probes())
    if (candidate.name == probe) return candidate.works();
  return false;
}

bool events_are_built() { return true; }

}  // namespace netrec
