// What a WHERE clause over the columns of a socket says, as hints and tests for the scans of
// history.h.
#pragma once

#include <optional>
#include <string_view>

#include "store/entity_columns.h"
#include "store/history.h"
#include "store/table_context.h"
#include "store/virtual_table.h"

namespace netrec {

/// How much of a table is left by comparing a column called `name`: guesses for the planner, 1
/// where wanted_of() makes nothing of it.
double narrowing(std::string_view name, Comparison comparison);

/// True for a column that holds an instant of a life: none before it begins, none after it ended.
bool is_instant_of_life(std::string_view name);

/// Narrows `wanted` by one comparison. Errors: none that a query must fail for; what is no hint is
/// left to SQLite.
void narrow(Wanted& wanted, std::string_view name, const Constraint& constraint);

/// A comparison of `column` as a test of its field, if it shows a number as it is, or a state.
std::optional<FieldTest> test_of(const EntityColumn<Socket>& column, Comparison comparison,
                                 const SqlCell& cell);

/// As VirtualTable::selectivity(), of a table with these columns.
double selectivity_of(const EntityColumns<Socket>& columns, int column, Comparison comparison);

/// All that `request` says of them. Errors: invalid_argument (a comparison that was to be tested is
/// another now).
Result<Wanted> wanted_by(const EntityColumns<Socket>& columns, const Request& request);

}  // namespace netrec
