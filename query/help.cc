#include "query/help.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "query/human.h"

namespace netrec {

namespace {

constexpr std::size_t kWidth = 80;

std::string_view heading_of(Group group) {
  switch (group) {
    case Group::record:
      return "Record";
    case Group::look:
      return "Look back";
    case Group::analyse:
      return "Find out";
    case Group::file:
      return "The file itself";
  }
  return "";
}

/// `left`, then `about` in a column of its own, broken at blanks.
std::string entry(std::string_view left, std::string_view about, std::size_t column) {
  std::string text = fmt::format("  {:<{}}", left, column - 2);
  std::size_t used = std::max(column, left.size() + 2);
  if (used > column || left.size() + 2 >= column) {
    text += fmt::format("\n{:{}}", "", column);
    used = column;
  }
  while (!about.empty()) {
    const std::string_view word = about.substr(0, about.find(' '));
    if (used > column && used + 1 + display_width(word) > kWidth) {
      text += fmt::format("\n{:{}}", "", column);
      used = column;
    } else if (used > column) {
      text += ' ';
      ++used;
    }
    text += word;
    used += display_width(word);
    about.remove_prefix(std::min(about.size(), word.size() + 1));
  }
  return text + '\n';
}

/// Lines "command | what it answers" as two columns.
std::string examples_text(std::string_view examples) {
  std::vector<std::pair<std::string_view, std::string_view>> lines;
  std::size_t widest = 0;
  while (!examples.empty()) {
    const std::string_view line = examples.substr(0, examples.find('\n'));
    examples.remove_prefix(std::min(examples.size(), line.size() + 1));
    const std::size_t bar = line.find(" | ");
    if (bar == std::string_view::npos) continue;
    lines.emplace_back(line.substr(0, bar), line.substr(bar + 3));
    widest = std::max(widest, bar);
  }
  std::string text;
  for (const auto& [command, about] : lines)
    text += fmt::format("  {:<{}}  {}\n", command, widest, about);
  return text;
}

std::string option_text(const CLI::Option& option) {
  std::string name = option.get_name(false, true);
  if (const auto comma = name.find(','); comma != std::string::npos) name.insert(comma + 1, " ");
  if (!name.starts_with('-')) return name;
  if (!name.starts_with("--") && name.find("--") == std::string::npos) name += ' ';
  if (name.starts_with("--")) name = "    " + name;
  if (option.get_type_size() != 0) name += " " + option.get_type_name();
  return name;
}

std::string options_text(const CLI::App& app) {
  std::vector<std::string> groups;
  const auto options = app.get_options([](const CLI::Option* option) {
    return option->nonpositional() && !option->get_group().empty();
  });
  for (const CLI::Option* option : options)
    if (std::find(groups.begin(), groups.end(), option->get_group()) == groups.end())
      groups.push_back(option->get_group());
  std::string text;
  for (const std::string& group : groups) {
    text += fmt::format("\n{}:\n", group);
    for (const CLI::Option* option : options)
      if (option->get_group() == group)
        text += entry(option_text(*option), option->get_description(), 26);
  }
  return text;
}

constexpr std::string_view kProgramExamples =
    "netrec record --for 60s | record this host's sockets for a minute\n"
    "netrec show --at 12:03:10 | what was open then, as netstat prints it\n"
    "netrec diff 12:03 12:05 | what changed in between\n"
    "netrec search dst 203.0.113.0/24 | every connection there, ever\n"
    "netrec search process nginx and dport = :443 | filters speak ss's language\n";

}  // namespace

std::string program_help(const std::vector<std::unique_ptr<Command>>& commands) {
  std::string text =
      "netrec records what a host's sockets do, and looks back at it.\n\n"
      "Usage: netrec COMMAND [OPTIONS] [FILTER]\n";
  for (const Group group : {Group::record, Group::look, Group::analyse, Group::file}) {
    std::string lines;
    for (const auto& command : commands)
      if (command->info().group == group)
        lines += entry(command->info().name, command->info().summary, 16);
    if (!lines.empty()) text += fmt::format("\n{}:\n{}", heading_of(group), lines);
  }
  text += "\nExamples:\n" + examples_text(kProgramExamples);
  text += "\nMore: netrec COMMAND --help; netrec help times, filter, output, exit\n";
  return text;
}

std::string command_help(const CLI::App& app, const CommandInfo& info) {
  std::string usage = fmt::format("Usage: netrec {} [OPTIONS]", info.name);
  std::string positionals;
  for (const CLI::Option* option : app.get_options()) {
    if (option->nonpositional()) continue;
    const std::string name = option->get_name(true);
    usage += option->get_required() ? " " + name : fmt::format(" [{}]", name);
    positionals += entry(name, option->get_description(), 26);
  }
  std::string text = fmt::format("netrec {}: {}\n\n{}\n", info.name, info.summary, usage);
  if (!positionals.empty()) text += "\nArguments:\n" + positionals;
  text += options_text(app);
  if (app.get_parent() != nullptr) text += options_text(*app.get_parent());
  if (!info.examples.empty()) text += "\nExamples:\n" + examples_text(info.examples);
  return text;
}

}  // namespace netrec
