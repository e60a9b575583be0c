#include "recorder/ring_trial.h"

#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>

namespace netrec {

namespace {

// One of the areas a ring shares with the kernel.
class SharedArea {
 public:
  SharedArea(int ring, std::size_t size, off_t which)
      : size_(size),
        start_(::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, ring, which)) {}
  ~SharedArea() {
    if (is_mapped()) ::munmap(start_, size_);
  }
  SharedArea(const SharedArea&) = delete;
  SharedArea& operator=(const SharedArea&) = delete;
  bool is_mapped() const { return start_ != MAP_FAILED; }
  template <class T>
  T* at(std::size_t offset) const {
    return reinterpret_cast<T*>(static_cast<char*>(start_) + offset);
  }

 private:
  std::size_t size_;
  void* start_;
};

int accept_with(int ring, const io_uring_params& made, int listener) {
  const SharedArea submissions(ring, made.sq_off.array + made.sq_entries * sizeof(std::uint32_t),
                               IORING_OFF_SQ_RING);
  const SharedArea completions(ring, made.cq_off.cqes + made.cq_entries * sizeof(io_uring_cqe),
                               IORING_OFF_CQ_RING);
  const SharedArea entries(ring, made.sq_entries * sizeof(io_uring_sqe), IORING_OFF_SQES);
  if (!submissions.is_mapped() || !completions.is_mapped() || !entries.is_mapped()) return -1;
  auto* entry = entries.at<io_uring_sqe>(0);
  std::memset(entry, 0, sizeof(*entry));
  entry->opcode = IORING_OP_ACCEPT;
  entry->fd = listener;
  entry->accept_flags = SOCK_CLOEXEC;
  *submissions.at<std::uint32_t>(made.sq_off.array) = 0;
  __atomic_store_n(submissions.at<std::uint32_t>(made.sq_off.tail), 1, __ATOMIC_RELEASE);
  if (::syscall(__NR_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, nullptr, 0) != 1)
    return -1;
  if (__atomic_load_n(completions.at<std::uint32_t>(made.cq_off.tail), __ATOMIC_ACQUIRE) == 0)
    return -1;
  return completions.at<io_uring_cqe>(made.cq_off.cqes)->res;
}

}  // namespace

int accept_through_ring(int listener) {
  io_uring_params made{};
  const auto ring = static_cast<int>(::syscall(__NR_io_uring_setup, 1, &made));
  if (ring < 0) return -1;
  const int accepted = accept_with(ring, made, listener);
  ::close(ring);
  return accepted < 0 ? -1 : accepted;
}

}  // namespace netrec
