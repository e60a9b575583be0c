// Gathers the outline of a chunk (store/chunk_header.h) from the rows of what ended in it.
#pragma once

#include <vector>

#include "schema/delta.h"
#include "store/chunk_layout.h"
#include "store/column.h"
#include "store/search_keys.h"

namespace netrec {

class OutlineBuilder {
 public:
  /// Takes in the rows of kind T; `fields` gives theirs. Does nothing for kinds that no
  /// search looks for.
  template <class T>
  void add(const EndedFields& fields);

  /// Takes in the processes and texts the rows refer to.
  void add_names(const Snapshot& names, const std::vector<std::uint32_t>& remote_names);

  /// What a chunk says of what ended in it.
  struct Gathered {
    Outline outline;  ///< its filters hold anything: the search index says more
    SearchKeys keys;
    std::uint64_t first_opened_us = 0;  ///< the earliest opening; 0: unknown, or nothing ended
  };
  Gathered finish();

 private:
  struct End {
    Range range;
    std::vector<std::uint64_t> addresses, prefixes;
    std::vector<bool> has_port;  ///< by port; empty: none
    Range port_range;

    std::vector<std::uint64_t> ports() const;
  };
  void add_addresses(const Column& high, const Column& low, End& end);
  static void add_ports(const Column& ports, End& end);

  Outline outline_;
  End remote_, local_;
  std::vector<std::uint64_t> pids_, programs_, names_;
  Range opened_;
};

/// Gives `outline` the filters over `keys` that headers had before there was a search index.
void add_filters(const SearchKeys& keys, Outline& outline);

}  // namespace netrec
