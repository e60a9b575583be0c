#include "query/program.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <clocale>
#include <csignal>
#include <map>

#include "query/commands.h"
#include "query/escape.h"
#include "query/help.h"
#include "query/similar.h"
#include "query/zone.h"

namespace netrec {

namespace {

constexpr std::string_view kVersion = "netrec " NETREC_VERSION;

int exit_code(Exit exit) { return static_cast<int>(exit); }

int fail(Exit exit, std::string_view message) {
  std::fflush(stdout);
  fmt::print(stderr, "netrec: {}\n", message);
  return exit_code(exit);
}

int print(std::string_view text) {
  fmt::print("{}", text);
  return std::fflush(stdout) == 0 ? 0 : exit_code(Exit::failed);
}

/// The program's options and its commands, ready to parse.
struct Program {
  CLI::App app{"netrec"};
  GlobalOptions options;
  std::vector<std::unique_ptr<Command>> commands = all_commands();
  std::map<const CLI::App*, Command*> by_app;
  bool help = false;
  bool version = false;
  std::string help_about;
  CLI::App* help_app = nullptr;

  Program();
  void declare(Command& command);
  Command* chosen() const;
  Command* called(std::string_view name) const;
};

Program::Program() {
  app.set_help_flag();
  app.allow_extras();
  declare_global_options(app, options);
  app.add_flag("-h,--help", help, "Explains the command")->group("Help");
  app.add_flag("--version", version, "Says which netrec this is")->group("Help");
  app.require_subcommand(0, 1);
  for (const auto& command : commands) declare(*command);
  help_app = app.add_subcommand("help");
  help_app->add_option("ABOUT", help_about);
  help_app->fallthrough();
}

void Program::declare(Command& command) {
  CLI::App* sub = app.add_subcommand(std::string(command.info().name));
  sub->set_help_flag();
  sub->fallthrough();
  command.declare(*sub);
  by_app[sub] = &command;
}

Command* Program::chosen() const {
  for (const auto& [sub, command] : by_app)
    if (sub->parsed()) return command;
  return nullptr;
}

Command* Program::called(std::string_view name) const {
  for (const auto& command : commands)
    if (command->info().name == name) return command.get();
  return nullptr;
}

std::string perhaps(std::string_view word, const std::vector<std::string>& candidates) {
  const std::string meant = most_similar(word, candidates);
  return meant.empty() ? "" : fmt::format(": did you mean '{}'?", meant);
}

int unknown_command(const Program& program, const std::string& word) {
  std::vector<std::string> names = {"help"};
  for (const auto& command : program.commands) names.emplace_back(command->info().name);
  return fail(Exit::usage, fmt::format("there is no command '{}'{}\n(netrec --help lists them)",
                                       escape(word), perhaps(word, names)));
}

int unknown_argument(const CLI::App& app, std::string_view command, const std::string& word) {
  std::vector<std::string> names;
  for (const CLI::App* level = &app; level != nullptr; level = level->get_parent())
    for (const CLI::Option* option : level->get_options())
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return fail(Exit::usage, fmt::format("'{}' does not take '{}'{}\n(netrec {} --help explains it)",
                                       command, escape(word), perhaps(word, names), command));
}

int explain(const Program& program) {
  if (program.help_about.empty()) return print(program_help(program.commands));
  if (const Command* command = program.called(program.help_about))
    return print(command_help(*program.app.get_subcommand(program.help_about), command->info()));
  const std::string_view topic = help_topic(program.help_about);
  if (!topic.empty()) return print(topic);
  return fail(Exit::usage, fmt::format("there is no help about '{}', but about every command, "
                                       "times, filter, output and exit",
                                       escape(program.help_about)));
}

/// Dies as a program does that never caught Ctrl-C, so that a shell's loop ends too.
[[noreturn]] void die_of_interrupt() {
  std::fflush(stdout);
  std::signal(SIGINT, SIG_DFL);
  std::raise(SIGINT);
  std::_Exit(130);
}

int run(Command& command, const GlobalOptions& options) {
  catch_interrupts();
  Context context(options, command.info().name);
  if (const Status zone = use_zone(context); !zone) return fail(Exit::usage, zone.error().message);
  const Result<Exit> exit = command.run(context);
  if (interrupted()) die_of_interrupt();
  if (!exit) {
    const bool usage = exit.error().kind == ErrorKind::invalid_argument;
    return fail(usage ? Exit::usage : Exit::failed, exit.error().message);
  }
  if (const Status finished = context.finish(); !finished)
    return fail(Exit::failed, finished.error().message);
  const bool answer = *exit == Exit::answered || *exit == Exit::no_match;
  return exit_code(answer && context.incomplete() ? Exit::incomplete : *exit);
}

int run_parsed(Program& program) {
  if (program.version) return print(fmt::format("{}\n", kVersion));
  if (program.help_app->parsed()) return explain(program);
  Command* command = program.chosen();
  const std::vector<std::string> extra = program.app.remaining(false);
  if (command == nullptr) {
    if (program.help) return print(program_help(program.commands));
    if (!extra.empty() && !extra.front().starts_with('-'))
      return unknown_command(program, extra.front());
    if (!extra.empty()) return unknown_argument(program.app, "netrec", extra.front());
    fmt::print(stderr, "{}", program_help(program.commands));
    return exit_code(Exit::usage);
  }
  const CLI::App& sub = *program.app.get_subcommand(std::string(command->info().name));
  if (program.help) return print(command_help(sub, command->info()));
  if (!extra.empty()) return unknown_argument(sub, command->info().name, extra.front());
  return run(*command, program.options);
}

}  // namespace

int run_program(int argc, char** argv) {
  // Whoever started us may have ignored it; a closed pipe ends us quietly.
  std::signal(SIGPIPE, SIG_DFL);
  // For the width of characters; messages and numbers stay as they are.
  if (std::setlocale(LC_CTYPE, "") == nullptr || MB_CUR_MAX == 1)
    std::setlocale(LC_CTYPE, "C.UTF-8");
  Program program;
  try {
    program.app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const bool asked = program.help || program.help_app->parsed();
    const Command* command = program.chosen();
    const std::string_view about = command == nullptr ? "" : command->info().name;
    if (!asked)
      return fail(Exit::usage, fmt::format("{}\n(netrec {}{}--help explains it)",
                                           escape(error.what()), about, about.empty() ? "" : " "));
  }
  return run_parsed(program);
}

}  // namespace netrec
