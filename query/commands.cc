#include "query/commands.h"

namespace netrec {

std::vector<std::unique_ptr<Command>> all_commands() {
  std::vector<std::unique_ptr<Command>> commands;
  commands.push_back(record_command());
  commands.push_back(show_command());
  commands.push_back(diff_command());
  commands.push_back(search_command());
  commands.push_back(info_command());
  commands.push_back(verify_command());
  commands.push_back(replay_command());
  commands.push_back(connections_command());
  commands.push_back(churn_command());
  commands.push_back(listeners_command());
  commands.push_back(destinations_command());
  commands.push_back(interfaces_command());
  commands.push_back(counters_command());
  commands.push_back(sql_command());
  commands.push_back(export_command());
  return commands;
}

}  // namespace netrec
