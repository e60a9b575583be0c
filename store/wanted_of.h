// What a WHERE clause over the columns of a socket says, as hints to the scans of history.h.
#pragma once

#include <string_view>

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

}  // namespace netrec
