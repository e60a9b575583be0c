// What interfaces and protocol counters did between two instants: growth, and a verdict where it is
// growth of something that should not happen.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "schema/delta.h"

namespace netrec {

/// A counter that begins anew (reboot, the driver loaded again) counts from 0.
std::uint64_t growth(std::uint64_t before, std::uint64_t after);

/// Two observations of one interface; `before` is null if it came in between, `after` if it went.
struct InterfacePair {
  const Interface* before = nullptr;
  const Interface* after = nullptr;
};

/// By namespace and index; those in either.
std::vector<InterfacePair> pair_interfaces(const Snapshot& before, const Snapshot& after);

/// A counter of errors or drops of an interface that grew.
struct Trouble {
  std::string_view field;  ///< name of the field
  std::string_view what;   ///< "packets dropped on receipt"
  std::string_view hint;   ///< what usually lies behind it
  std::uint64_t count = 0;
  double percent = 0;  ///< of the packets that passed in that direction meanwhile
};

/// What grew and should not have, the most first. Counters that others add up are told only through
/// their parts where these are known.
std::vector<Trouble> troubles(const InterfacePair& pair);

/// The name of an interface, or "#3".
std::string interface_name(const Interface& interface, const Snapshot& names);

/// What a protocol counter means, for those worth a word; "" for the others.
struct CounterNote {
  std::string_view about;
  bool bad = false;  ///< growth is worth a warning
};
CounterNote note_on_counter(std::string_view name);

}  // namespace netrec
