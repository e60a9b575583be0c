// How `netrec --help` and its like look, and the topics of `netrec help`.
#pragma once

#include <CLI/App.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "query/command.h"

namespace netrec {

/// `netrec --help`: the commands by group, with examples.
std::string program_help(const std::vector<std::unique_ptr<Command>>& commands);

/// `netrec COMMAND --help`, made from what the command declared.
std::string command_help(const CLI::App& app, const CommandInfo& info);

/// `netrec help filter`, `times`, `output`, `exit`; "" if there is no such topic.
std::string_view help_topic(std::string_view name);

}  // namespace netrec
