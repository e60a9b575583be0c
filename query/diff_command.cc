// `netrec diff`: what is different at two instants, a summary first.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "query/commands.h"
#include "query/escape.h"
#include "query/interface_columns.h"
#include "query/socket_columns.h"
#include "query/socket_diff.h"
#include "store/history.h"

namespace netrec {

namespace {

/// One line of the answer: which mark it gets and which states of the socket it is about.
struct Line {
  const char* mark;
  const char* word;  ///< for programs
  Style style;
  const Socket* before;
  const Socket* after;
  const Snapshot& names;
};

std::string arrow(std::string before, std::string after) {
  return before == after ? after : fmt::format("{} → {}", before, after);
}

Value number_before(const Line& line, std::uint32_t Socket::*field) {
  return line.before == nullptr ? Value() : Value(line.before->*field);
}

/// A socket that came and went in between, kept with the names it refers to.
struct ShortLived {
  Connection connection;
  std::string program;
  std::string local;
  std::string remote;
  std::string protocol;
};

class DiffCommand final : public Command {
 public:
  CommandInfo info() const override {
    return {"diff", Group::look, "Tell what changed between two instants",
            "netrec diff 12:03 12:05 | opened, closed, changed\n"
            "netrec diff -10m end -l | servers that came or went\n"
            "netrec diff -a start end | also what came and went in between\n"};
  }

  void declare(CLI::App& app) override {
    app.add_option("T1", from_, "The first instant")->required();
    app.add_option("T2", to_, "The second instant")->required();
    selection_.declare(app);
  }

  Result<Exit> run(Context& context) override {
    NETREC_CHECKED(selection_.prepare());
    NETREC_TRY(timeline, context.timeline());
    FrameCursor before = timeline->cursor();
    FrameCursor after = timeline->cursor();
    NETREC_TRY(from, context.seek(before, from_));
    NETREC_TRY(to, context.seek(after, to_));
    if (to < from)
      return failure(ErrorKind::invalid_argument, "{} is not before {}", escape(from_),
                     escape(to_));
    NETREC_CHECKED(context.note_gaps({from, to}));
    context.note_damage(before.damage());
    context.note_damage(after.damage());

    const SocketDiff sockets = diff_sockets(before.snapshot(), after.snapshot(), selection_);
    const auto interfaces = diff_interfaces(before.snapshot(), after.snapshot());
    std::vector<ShortLived> passed;
    if (selection_.all()) {
      NETREC_TRY(found, came_and_went(context, before.frame().wall, after.frame().wall));
      passed = std::move(found);
    }
    print_summary(context.out(), before.frame(), after.frame(), sockets, passed);
    print_sockets(context, before.snapshot(), after.snapshot(), sockets, passed);
    print_interfaces(context, before.snapshot(), after.snapshot(), interfaces);
    const bool same = sockets.opened.empty() && sockets.closed.empty() &&
                      sockets.changed.empty() && passed.empty();
    return same ? Exit::no_match : Exit::answered;
  }

 private:
  SocketSelection selection_;
  std::string from_;
  std::string to_;
};

}  // namespace

}  // namespace netrec
