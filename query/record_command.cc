// The front door: `netrec record …` becomes netrec-record, which alone needs privileges.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <filesystem>

#include "query/commands.h"

namespace netrec {

namespace {

constexpr const char* kRecorder = "netrec-record";

/// Where the recorder may be, the most likely first; the last is looked for in PATH.
std::vector<std::string> places() {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
  std::vector<std::string> found;
  if (!error)
    for (const char* relative : {"", "../sbin", "../libexec", "../libexec/netrec"})
      found.push_back(self / relative / kRecorder);
  found.emplace_back(kRecorder);
  return found;
}

class RecordCommand final : public Command {
 public:
  CommandInfo info() const override {
    return {"record", Group::record, "Record what this host's sockets do (runs netrec-record)", ""};
  }

  void declare(CLI::App& app) override {
    app.fallthrough(false);
    app.prefix_command();
    app_ = &app;
  }

  Result<Exit> run(Context& context) override {
    std::vector<std::string> arguments = {kRecorder};
    if (context.options().files.size() > 1)
      return failure(ErrorKind::invalid_argument, "a recorder writes one timeline");
    for (const std::string& file : context.options().files)
      arguments.insert(arguments.end(), {"--output", file});
    for (std::string& word : app_->remaining()) arguments.push_back(std::move(word));
    std::vector<char*> pointers;
    pointers.reserve(arguments.size() + 1);
    for (std::string& word : arguments) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    for (const std::string& place : places()) {
      execvp(place.c_str(), pointers.data());
      if (errno != ENOENT && errno != ENOTDIR)
        return tl::unexpected(system_error(errno, "start " + place));
    }
    return failure(ErrorKind::not_found, "{} is not installed: not beside netrec, not in PATH",
                   kRecorder);
  }

 private:
  CLI::App* app_ = nullptr;
};

}  // namespace

std::unique_ptr<Command> record_command() { return std::make_unique<RecordCommand>(); }

}  // namespace netrec
