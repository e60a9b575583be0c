#include "recorder/voice.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

namespace netrec {

namespace {

// syslog(3)
constexpr int kError = 3;
constexpr int kWarning = 4;
constexpr int kInformation = 6;

std::size_t width_of(std::FILE* stream) {
  winsize size{};
  if (ioctl(fileno(stream), TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

// JOURNAL_STREAM names the device and inode of the stream systemd connected (systemd.exec(5)).
bool is_journal(std::FILE* stream) {
  const char* named = std::getenv("JOURNAL_STREAM");
  struct stat status {};
  if (named == nullptr || fstat(fileno(stream), &status) != 0) return false;
  return fmt::format("{}:{}", status.st_dev, status.st_ino) == named;
}

}  // namespace

std::string harmless(std::string_view text) {
  std::string safe(text);
  for (char& c : safe)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  // C1 controls are two bytes in UTF-8, 0xc2 0x80 to 0xc2 0x9f.
  for (std::size_t i = 0; i + 1 < safe.size(); ++i)
    if (safe[i] == '\xc2' && static_cast<unsigned char>(safe[i + 1]) < 0xa0)
      safe[i] = safe[i + 1] = '?';
  return safe;
}

Voice::Voice(std::FILE* stream, Manner manner, Loudness loudness)
    : stream_(stream), manner_(manner), loudness_(loudness) {}

Voice::~Voice() { clear_status(); }

Manner Voice::manner_of(std::FILE* stream) {
  if (is_journal(stream)) return Manner::journal;
  return isatty(fileno(stream)) == 1 ? Manner::terminal : Manner::plain;
}

void Voice::put(int priority, std::string_view line) {
  if (loudness_ == Loudness::warnings && priority > kWarning) return;
  clear_status();
  const std::string text = harmless(line);
  if (manner_ == Manner::journal)
    fmt::print(stream_, "<{}>{}\n", priority, text);
  else
    fmt::print(stream_, "{}{}\n", priority <= kWarning ? "netrec-record: " : "", text);
  std::fflush(stream_);
}

void Voice::say(std::string_view line) { put(kInformation, line); }

void Voice::warn(std::string_view line) { put(kWarning, line); }

void Voice::fail(std::string_view line) { put(kError, line); }

void Voice::status(std::string_view line) {
  if (manner_ != Manner::terminal || loudness_ == Loudness::warnings) return;
  // \r and erase to the end of the line; one column is left so that the cursor does not wrap.
  fmt::print(stream_, "\r\033[K{}", harmless(line).substr(0, width_of(stream_) - 1));
  std::fflush(stream_);
  has_status_ = true;
}

void Voice::clear_status() {
  if (!has_status_) return;
  fmt::print(stream_, "\r\033[K");
  std::fflush(stream_);
  has_status_ = false;
}

}  // namespace netrec
