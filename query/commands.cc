#include "query/commands.h"

namespace netrec {

std::vector<std::unique_ptr<Command>> all_commands() {
  std::vector<std::unique_ptr<Command>> commands;
  commands.push_back(record_command());
  commands.push_back(show_command());
  commands.push_back(info_command());
  return commands;
}

}  // namespace netrec
