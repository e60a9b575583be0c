// What recording by events costs: the parts of capture_bench that hold no connection against a log.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace netrec {

/// A tight loop of connect, accept and close, with and without a recorder, in turn.
void measure_slowdown(const std::string& folder, int rounds);

/// As many TCP transitions a second as are asked for (or can be made), once with a recorder that
/// runs and once with one that is stopped meanwhile: memory stays bounded, and what is in the file
/// and what is counted as lost are together what was made.
void measure_flood(const std::string& folder, std::uint32_t transitions_a_second,
                   std::chrono::seconds span);

/// Bytes of file a closed connection, at `a_second` to 50 destinations.
void measure_file(const std::string& folder, std::uint32_t a_second, std::chrono::seconds span);

/// Share of a core with that many idle sockets, and memory.
void measure_idle(const std::string& folder, std::uint32_t sockets, std::chrono::seconds span);

}  // namespace netrec
