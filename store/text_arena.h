// Texts that stay where they are until the database connection is closed, each kept once: SQLite is
// handed their address and copies nothing. Of a timeline's millions of rows the texts are few
// (programs, states, addresses by the thousand); where they are not, the arena is full soon and
// says so.
#pragma once

#include <tsl/robin_set.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace netrec {

class TextArena {
 public:
  /// Holds at most `most_bytes` of text.
  explicit TextArena(std::size_t most_bytes) : most_bytes_(most_bytes) {}

  /// `text` where it stays; nothing if there is no room for it.
  std::optional<std::string_view> keep(std::string_view text);

 private:
  static constexpr std::size_t kBlockBytes = 64 << 10;

  tsl::robin_set<std::string_view> kept_;
  std::vector<std::unique_ptr<char[]>> blocks_;
  std::size_t block_left_ = 0;
  std::size_t bytes_ = 0;
  std::size_t most_bytes_;
};

}  // namespace netrec
