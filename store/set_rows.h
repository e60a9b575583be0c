// The rows of a table over a set of timelines: those of one file after those of another, with the
// columns `host` and `file` that say which.
#pragma once

#include <memory>
#include <span>

#include "store/virtual_table.h"

namespace netrec {

/// Behind the columns of every table: whose timeline the row is from. Hidden where there is one.
std::span<const SqlColumn> origin_columns();
/// One of them, by its place behind the table's own.
void emit_origin(const TimelineFile& file, std::size_t place, CellSink& out);

/// REQUIRES: `context` has a set.
Result<std::unique_ptr<RowSource>> rows_of_set(TableContext& context, const VirtualTable& table,
                                               Request request);

/// The plain tables (store/plain_tables.h) as virtual ones: several files have several of each.
std::span<const VirtualTable* const> plain_tables_of_set();

}  // namespace netrec
