// Numbers as a line of small bars, for tables and the replay's activity line.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace netrec {

/// One character a value, scaled to the largest; a blank for 0, at least the lowest bar for more.
std::string sparkline(std::span<const std::uint64_t> values);

}  // namespace netrec
