// Gathers the outline of a chunk (store/chunk_header.h) from the rows of what ended in it.
#pragma once

#include <functional>
#include <vector>

#include "schema/delta.h"
#include "store/chunk_layout.h"
#include "store/column.h"

namespace netrec {

class OutlineBuilder {
 public:
  /// Takes in the rows of kind T; `values` gives a field of all of them. Does nothing for kinds
  /// that no search looks for.
  template <class T>
  void add(const std::function<Column(std::uint16_t)>& values);

  /// Takes in the processes and texts the rows refer to.
  void add_names(const Snapshot& names, const std::vector<std::uint32_t>& remote_names);

  /// The outline; `first_opened_us` becomes the earliest opening (0: unknown, or nothing ended).
  Outline finish(std::uint64_t& first_opened_us);

 private:
  struct End {
    Range range;
    std::vector<std::uint64_t> addresses, prefixes, ports;
    Range port_range;
  };
  void add_addresses(const Column& high, const Column& low, End& end);
  static void add_ports(const Column& ports, End& end);

  Outline outline_;
  End remote_, local_;
  std::vector<std::uint64_t> pids_, programs_, names_;
  Range opened_;
};

}  // namespace netrec
