// What the recorder says while it records: one line that changes on a terminal, plain lines
// elsewhere, lines with a priority for the journal.
//
// Everything goes to stderr (or the stream given). What is said may hold names the host chose, so
// control characters are replaced.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>

namespace netrec {

enum class Manner {
  terminal,  ///< with a status line
  plain,     ///< into a pipe or a file: no status
  journal,   ///< systemd's: priorities in front, as sd-daemon(3) has it
};

enum class Loudness { all, warnings };

class Voice {
 public:
  Voice(std::FILE* stream, Manner manner, Loudness loudness);
  ~Voice();
  Voice(const Voice&) = delete;
  Voice& operator=(const Voice&) = delete;

  /// The manner that fits `stream` and the environment ($JOURNAL_STREAM).
  static Manner manner_of(std::FILE* stream);

  void say(std::string_view line);
  void warn(std::string_view line);
  void fail(std::string_view line);
  /// Replaces the status line; nothing where there is none.
  void status(std::string_view line);
  /// Takes it away.
  void clear_status();

  Manner manner() const { return manner_; }

 private:
  void put(int priority, std::string_view line);

  std::FILE* stream_;
  Manner manner_;
  Loudness loudness_;
  bool has_status_ = false;
};

/// `text` with control characters as '?'.
std::string harmless(std::string_view text);

}  // namespace netrec
