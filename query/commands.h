// Every subcommand there is: the one list. Add a line here and one in commands.cc.
#pragma once

#include <memory>
#include <vector>

#include "query/command.h"

namespace netrec {

std::unique_ptr<Command> record_command();
std::unique_ptr<Command> show_command();
std::unique_ptr<Command> diff_command();
std::unique_ptr<Command> search_command();
std::unique_ptr<Command> info_command();
std::unique_ptr<Command> verify_command();
std::unique_ptr<Command> replay_command();
std::unique_ptr<Command> connections_command();
std::unique_ptr<Command> churn_command();
std::unique_ptr<Command> listeners_command();
std::unique_ptr<Command> destinations_command();
std::unique_ptr<Command> interfaces_command();
std::unique_ptr<Command> counters_command();
std::unique_ptr<Command> sql_command();
std::unique_ptr<Command> export_command();

/// All of them, in the order of `netrec --help`.
std::vector<std::unique_ptr<Command>> all_commands();

}  // namespace netrec
