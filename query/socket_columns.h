// A socket as a row: netstat's columns in a table, one column a fact for programs. Shared by every
// command that lists sockets.
#pragma once

#include <string>
#include <vector>

#include "query/names.h"
#include "query/output.h"

namespace netrec {

struct SocketColumns {
  bool names_namespace = false;  ///< a table column for the network namespace
  bool commands = false;         ///< a table column for the command line
  bool every_field = false;      ///< programs get every field recorded, by its name in SQL

  std::vector<Column> columns() const;
  void append(Row& row, const Socket& socket, const Snapshot& names,
              EndpointNames& endpoints) const;
};

/// How a state stands out: servers, and states that mean somebody waits.
Style state_style(const Socket& socket);

/// What netstat has no column for, in lines for people: owner and age, then TCP's own figures, then
/// memory. `at`: the instant shown. What came from the file is escaped.
std::vector<std::string> socket_details(const Socket& socket, const Snapshot& names,
                                        std::uint64_t at_us);

/// Order of a listing: transport, servers first, then by address and port.
bool listed_before(const Socket& one, const Socket& other);

}  // namespace netrec
