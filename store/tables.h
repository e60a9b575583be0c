// The virtual tables there are: the one list (in tables.cc), and where each is made.
#pragma once

#include <memory>
#include <span>

#include "store/virtual_table.h"

namespace netrec {

/// All of them, in the order they are listed to the user.
std::span<const VirtualTable* const> virtual_tables();

/// Makes all tables and functions known to `db`, whose file is the timeline. Errors: corrupt if the
/// file holds something of its own under the name of one of them.
Status add_netrec_to(sqlite3* db, const std::shared_ptr<TableContext>& context);

/// SQLite connects a table when it is first named, and asks the connection's authorizer about its
/// declaration: who loads the tables into a connection of somebody else, who may set one later,
/// has them connected before.
Status connect_netrec_tables(sqlite3* db, const TableContext& context);

// life_tables.cc
const VirtualTable& connections_table();
const VirtualTable& transitions_table();
const VirtualTable& peers_table();
const VirtualTable& dns_table();
// instant_tables.cc
const VirtualTable& sockets_table();
const VirtualTable& interfaces_table();
const VirtualTable& counters_table();
// frame_tables.cc
const VirtualTable& frames_table();
const VirtualTable& samples_table();
const VirtualTable& interface_samples_table();
const VirtualTable& counter_samples_table();

}  // namespace netrec
