// The protocol counters of /proc/net/snmp, netstat and snmp6 (`netstat -s`, `nstat`), as one list
// of names and values.
//
// snmp and netstat are pairs of lines, "Tcp: RtoAlgorithm RtoMin …" and "Tcp: 1 200 …"; snmp6 is a
// name and a value a line. Names are formed as "Tcp.RtoMin", and those of snmp6 ("Ip6InReceives")
// stay as they are. Values the kernel prints as negative (Tcp.MaxConn -1) are kept as two's
// complement.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "recorder/source.h"

namespace netrec {

/// Collects counters into a list whose order, once the same names come again in the same order,
/// stays; then nothing is allocated.
class CounterList {
 public:
  /// Begins the list anew.
  void clear() { count_ = 0; }
  /// Appends what `text`, of /proc/net/snmp or netstat, says. What is not a pair of lines of equal
  /// length with numbers is passed over and counted.
  std::size_t add_paired(std::string_view text);
  /// The same for /proc/net/snmp6.
  std::size_t add_single(std::string_view text);

  std::span<const CounterValue> values() const { return {values_.data(), count_}; }

 private:
  void add(std::string_view group, std::string_view name, std::uint64_t value);

  std::size_t count_ = 0;
  std::vector<CounterValue> values_;
  std::deque<std::string> names_;  ///< not a vector: values_ points into it
};

}  // namespace netrec
