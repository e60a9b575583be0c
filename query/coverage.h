// How much of a timeline's span was seen: what the gaps leave of it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "query/context.h"
#include "store/timeline.h"

namespace netrec {

/// The parts of [from, to] nobody vouches for, ordered, without overlaps.
struct Unseen {
  std::uint64_t from_us = 0;
  std::uint64_t to_us = 0;
};

std::vector<Unseen> unseen_parts(const std::vector<RecordedGap>& gaps, const Timeline& timeline,
                                 std::uint64_t from_us, std::uint64_t to_us);

/// Their sum, in microseconds.
std::uint64_t length_of(const std::vector<Unseen>& parts);

/// `width` characters from `from_us` to `to_us`: █ seen, ▒ partly, ░ not.
std::string coverage_bar(const std::vector<Unseen>& parts, std::uint64_t from_us,
                         std::uint64_t to_us, std::size_t width);

}  // namespace netrec
