#include "recorder/exe_hashes.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

namespace netrec {

namespace {

// Between two pieces the thread gives way: a gigabyte takes some seconds, and nobody waits for it.
constexpr std::size_t kPiece = 256 * 1024;
constexpr std::size_t kMostKnown = 4096;

std::string hexadecimal(const std::array<unsigned char, crypto_hash_sha256_BYTES>& hash) {
  std::string text;
  for (const unsigned char byte : hash) text += fmt::format("{:02x}", byte);
  return text;
}

Result<std::string> hash_descriptor(int file, const std::string& path) {
  crypto_hash_sha256_state state;
  crypto_hash_sha256_init(&state);
  std::vector<unsigned char> piece(kPiece);
  for (;;) {
    const ssize_t got = ::read(file, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return tl::unexpected<Error>(system_error(errno, "read " + path));
    if (got == 0) break;
    crypto_hash_sha256_update(&state, piece.data(), static_cast<unsigned long long>(got));
    ::sched_yield();
  }
  std::array<unsigned char, crypto_hash_sha256_BYTES> hash;
  crypto_hash_sha256_final(&state, hash.data());
  return hexadecimal(hash);
}

Result<std::string> check_and_hash(int file, const std::string& path, std::uint64_t device,
                                   std::uint64_t inode, std::uint64_t limit_bytes) {
  struct stat status {};
  if (::fstat(file, &status) != 0)
    return tl::unexpected<Error>(system_error(errno, "stat " + path));
  if (status.st_dev != device || status.st_ino != inode || !S_ISREG(status.st_mode))
    return failure(ErrorKind::invalid_argument, "another file is at {} now", path);
  if (static_cast<std::uint64_t>(status.st_size) > limit_bytes)
    return failure(ErrorKind::invalid_argument, "{} is larger than {} bytes", path, limit_bytes);
  return hash_descriptor(file, path);
}

// What a hash holds for: the same file, unchanged.
std::string version_of(const std::string& path, const Executable& executable) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return "";
  if (status.st_dev != executable.device || status.st_ino != executable.inode) return "";
  return fmt::format("{}:{}:{}:{}.{}", status.st_dev, status.st_ino, status.st_size,
                     status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
}

}  // namespace

Result<std::string> hash_file(const std::string& path, std::uint64_t device, std::uint64_t inode,
                              std::uint64_t limit_bytes) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (file < 0) return tl::unexpected<Error>(system_error(errno, "open " + path));
  Result<std::string> hash = check_and_hash(file, path, device, inode, limit_bytes);
  ::close(file);
  return hash;
}

ExeHashes::ExeHashes() {
  NETREC_CHECK(sodium_init() >= 0, "libsodium can be used");
  // Signals are the main thread's.
  sigset_t all, before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { run(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

ExeHashes::~ExeHashes() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  asked_.notify_one();
  thread_.join();
}

void ExeHashes::ask(Executable executable) {
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() >= kMostWaiting) {
      done_.push_back(
          {.process = executable.process, .text = "failed: too many programs started at once"});
      return;
    }
    waiting_.push_back(std::move(executable));
  }
  asked_.notify_one();
}

std::vector<ExeHash> ExeHashes::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(done_, {});
}

void ExeHashes::run() {
  const sched_param lowest{};
  ::pthread_setschedparam(::pthread_self(), SCHED_IDLE, &lowest);
  std::unique_lock lock(mutex_);
  for (;;) {
    asked_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (stopping_) return;
    const Executable executable = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    std::string text = answer(executable);
    lock.lock();
    done_.push_back({.process = executable.process, .text = std::move(text)});
  }
}

// The path leads there, or else (another root, deleted) the process's own link, while it runs.
std::string ExeHashes::answer(const Executable& executable) {
  const std::string link = fmt::format("/proc/{}/exe", executable.pid);
  std::string version, path;
  for (const std::string& candidate : {executable.path, link}) {
    path = candidate;
    version = version_of(candidate, executable);
    if (!version.empty()) break;
  }
  if (const auto found = known_.find(version); !version.empty() && found != known_.end())
    return found->second;
  if (version.empty()) path = executable.path;
  const auto hash = hash_file(path, executable.device, executable.inode, kLargest);
  if (!hash) return "failed: " + hash.error().message;
  if (known_.size() >= kMostKnown) known_.clear();
  return known_[version] = *hash;
}

}  // namespace netrec
