// The rows of `netrec diff`: + opened, - closed, ~ changed, · came and went; then interfaces.
#pragma once

#include <vector>

#include "query/context.h"
#include "query/socket_columns.h"
#include "query/socket_diff.h"
#include "schema/connection.h"

namespace netrec {

class DiffRows {
 public:
  /// The snapshots must outlive it.
  DiffRows(Context& context, const Snapshot& before, const Snapshot& after);

  void begin();
  void add(const SocketDiff& diff);
  void add_passed(const Connection& connection, const Snapshot& names);
  void end();

 private:
  struct Kind {
    const char* mark;
    const char* word;
    Style style;
  };
  static const Kind kOpened, kClosed, kChanged, kPassed;

  Context& context_;
  const Snapshot& before_;
  const Snapshot& after_;
  SocketColumns columns_;
  std::vector<Column> all_columns_;

  Row row(const Kind& kind, const Socket& socket, const Snapshot& names, Value when,
          Value lifetime_us);
  void add_changed(const ChangedSocket& changed);
  void show_change(Row& row, const ChangedSocket& changed) const;
  Value::Members values_before(const ChangedSocket& changed) const;
  Cell& cell(Row& row, std::string_view key) const;
};

void print_interfaces(Context& context, const Snapshot& before, const Snapshot& after,
                      const std::vector<InterfaceDiff>& interfaces);

}  // namespace netrec
