// Proves a timeline: hash chain, checksums, order, that keyframes say what the frames before them
// add up to, and the derived tables against the log.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "schema/result.h"
#include "store/timeline.h"

namespace netrec {

struct Verification {
  std::uint64_t frames = 0;                 ///< checked and sound
  std::uint64_t chunks = 0;                 ///< all of them
  std::vector<Damage> damage;               ///< in order; the first names the first bad frame
  std::vector<std::string> index_findings;  ///< derived tables that do not say what the log says
  std::string chain;                        ///< hash after the last sound frame, hexadecimal
  std::uint64_t pruned_up_to = 0;           ///< last sequence retention dropped; 0: none

  bool sound() const { return damage.empty() && index_findings.empty(); }
};

/// Checks the whole file as it is at this moment. `progress` is called with steps done and steps in
/// all; returning false stops it (the error is `busy`, "interrupted").
Result<Verification> verify(const std::string& path,
                            const std::function<bool(std::uint64_t, std::uint64_t)>& progress);

}  // namespace netrec
