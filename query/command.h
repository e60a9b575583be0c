// How a subcommand is declared: one file query/<name>_command.cc holds one class of this shape and
// a function that makes it, which is named in query/commands.h.
//
// Refused: a registry that fills itself from static constructors (a static library drops them, and
// the list is what somebody looks for first).
#pragma once

#include <string_view>

#include "query/context.h"
#include "schema/result.h"

namespace CLI {
class App;
}

namespace netrec {

/// What the program ends with.
enum class Exit {
  answered = 0,
  no_match = 1,
  usage = 2,
  failed = 3,
  incomplete = 4,  ///< answered, but the range has gaps or damage
};

/// The heading a command stands under in `netrec --help`.
enum class Group { record, look, analyse, file };

struct CommandInfo {
  std::string_view name;
  Group group = Group::look;
  std::string_view summary;  ///< half a line, no full stop
  /// Lines "netrec … | what it answers", shown under the options.
  std::string_view examples;
};

class Command {
 public:
  virtual ~Command() = default;

  virtual CommandInfo info() const = 0;
  /// Adds options and positionals; the global ones (query/global_options.h) are there already.
  virtual void declare(CLI::App& app) = 0;
  /// Answers through context.out(). `answered` becomes `incomplete` if there were notices. An Error
  /// is printed by the caller: invalid_argument ends in `usage`, others in `failed`.
  virtual Result<Exit> run(Context& context) = 0;
};

}  // namespace netrec
