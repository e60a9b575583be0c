// History in the order of a time: which part of the log is told when.
//
// Chunks lie in the order of their frames, and what ended in one lies near its end in time, but no
// nearer than the recorder came to know of it. So each part has a bound: nothing in it is later
// (told newest first) or earlier (oldest first). Parts are told by their bounds, and whoever gets
// the rows gives on what lies before the bound of the part after (store/ordered_rows.h): exact,
// whatever the clock did, with little held back.
//
// Refused: trusting the order of the chunks (a stepped clock, an end known late), and bounds of
// openings in headers that are only good for one direction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <queue>
#include <vector>

#include "schema/result.h"
#include "store/chunk_table.h"
#include "store/database.h"

namespace netrec {

struct HistoryOrder {
  enum class Time {
    end,      ///< when lives ended; those still alive, whose end is NULL, are told apart
    earlier,  ///< anything from before their end that the wall clock said: newest first only
  };
  Time time = Time::end;
  bool descending = true;
  /// A part begins. Nothing told from here on lies before `bound_us`, nor after the part before
  /// `next_us` (nothing: there is none). Returns false to stop.
  std::function<bool(std::uint64_t bound_us, std::optional<std::uint64_t> next_us)> begin_part;
  /// So much damage was met so far: rows told from here on may be too late for what is missing.
  std::function<void(std::size_t damage)> damage_met;
  /// Those still alive begin: before all parts (oldest first) or after them.
  std::function<bool()> begin_alive;
};

/// A chunk, or what is after the last chunk of a session.
struct LogPart {
  std::uint64_t bound_us = 0;
  std::size_t session = 0;
  std::optional<ChunkTable::Listed> chunk;
  bool is_exact = true;  ///< false: another look can move the bound inwards
};

/// The parts not told yet, by their bounds.
class LogParts {
 public:
  explicit LogParts(bool descending) : parts_(Later{descending}) {}

  void push(const LogPart& part) { parts_.push(part); }
  bool empty() const { return parts_.empty(); }
  const LogPart& top() const { return parts_.top(); }
  LogPart pop() {
    const LogPart top = parts_.top();
    parts_.pop();
    return top;
  }

 private:
  struct Later {
    bool descending;
    bool operator()(const LogPart& a, const LogPart& b) const;
  };
  std::priority_queue<LogPart, std::vector<LogPart>, Later> parts_;
};

/// The latest instant at which a frame in [first, last] was. Errors: corrupt, io.
Result<std::uint64_t> latest_us(const Database& database, std::uint64_t first, std::uint64_t last);
/// The same of those that are in no chunk.
Result<std::uint64_t> latest_unsealed_us(const Database& database, std::uint64_t first,
                                         std::uint64_t last);

/// True if the wall clock always went on: no gap says it was set, and the parts of the log follow
/// each other. Then nothing in it is from after the frame that told it, but for kClockSlack_us.
Result<bool> is_clock_steady(const Database& database);

/// A recorder does not note steps smaller than a thousandth of what passed since its last tick.
inline constexpr std::uint64_t kClockSlack_us = 60'000'000;

}  // namespace netrec
