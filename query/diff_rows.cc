#include "query/diff_rows.h"

#include <fmt/format.h>

namespace netrec {

const DiffRows::Kind DiffRows::kOpened = {"+", "opened", Style::good};
const DiffRows::Kind DiffRows::kClosed = {"-", "closed", Style::bad};
const DiffRows::Kind DiffRows::kChanged = {"~", "changed", Style::warning};
const DiffRows::Kind DiffRows::kPassed = {"·", "came_and_went", Style::dim};

namespace {

std::string arrow(std::string_view before, std::string_view after) {
  return fmt::format("{} → {}", before.empty() ? "-" : before, after.empty() ? "-" : after);
}

std::string text_of_link(const Interface* interface) {
  if (interface == nullptr) return "";
  return fmt::format("{} mtu {} {}", operational_state_name(interface->operational_state),
                     interface->mtu, interface_flags_text(interface->flags));
}

std::string change_of_link(const InterfaceDiff& diff) {
  if (diff.before == nullptr) return "new";
  if (diff.after == nullptr) return "gone";
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  if (diff.before->operational_state != diff.after->operational_state)
    add(arrow(operational_state_name(diff.before->operational_state),
              operational_state_name(diff.after->operational_state)));
  else if (diff.before->carrier_changes != diff.after->carrier_changes)
    add("carrier lost and found");
  if (diff.before->mtu != diff.after->mtu)
    add("mtu " + arrow(std::to_string(diff.before->mtu), std::to_string(diff.after->mtu)));
  if (diff.before->flags != diff.after->flags)
    add(arrow(interface_flags_text(diff.before->flags), interface_flags_text(diff.after->flags)));
  return text;
}

}  // namespace

DiffRows::DiffRows(Context& context, const Snapshot& before, const Snapshot& after)
    : context_(context), before_(before), after_(after) {}

void DiffRows::begin() {
  all_columns_ = {{"change", "", Unit::text, Place::machine},
                  {"mark", "", Unit::text, Place::table}};
  for (Column& column : columns_.columns()) all_columns_.push_back(std::move(column));
  all_columns_.push_back({"when", "When", Unit::instant_us, Place::table});
  all_columns_.push_back({"lifetime_us", "", Unit::duration_us, Place::machine});
  all_columns_.push_back({"before", "", Unit::text, Place::machine});
  context_.out().begin({"socket", "sockets", all_columns_});
}

void DiffRows::end() { context_.out().end(); }

Row DiffRows::row(const Kind& kind, const Socket& socket, const Snapshot& names, Value when,
                  Value lifetime_us) {
  Row row;
  row.push_back(kind.word);
  row.push_back({kind.mark, kind.style});
  columns_.append(row, socket, names, context_.endpoint_names());
  cell(row, "proto").style = kind.style;
  row.push_back(std::move(when));
  row.push_back(std::move(lifetime_us));
  row.push_back({});
  return row;
}

void DiffRows::add(const SocketDiff& diff) {
  for (const Socket* socket : diff.opened)
    context_.out().row(row(kOpened, *socket, after_, socket->opened_us, {}));
  for (const Socket* socket : diff.closed)
    context_.out().row(row(kClosed, *socket, before_, {}, {}));
  for (const ChangedSocket& changed : diff.changed) add_changed(changed);
}

void DiffRows::add_passed(const Connection& connection, const Snapshot& names) {
  const Lifetime lifetime = lifetime_of(connection);
  context_.out().row(
      row(kPassed, connection.socket, names, connection.socket.opened_us, lifetime.at_most_us));
}

void DiffRows::add_changed(const ChangedSocket& changed) {
  const bool moved = changed.before->state != changed.after->state;
  const Value when = moved ? Value(changed.after->state_since_us) : Value();
  Row line = row(kChanged, *changed.after, after_, when, {});
  if (context_.options().format == Format::table)
    show_change(line, changed);
  else
    line.back() = values_before(changed);
  context_.out().row(std::move(line));
}

Cell& DiffRows::cell(Row& row, std::string_view key) const {
  for (std::size_t i = 0; i < all_columns_.size(); ++i)
    if (all_columns_[i].key == key) return row[i];
  NETREC_CHECK(false, "no such column");
}

void DiffRows::show_change(Row& row, const ChangedSocket& changed) const {
  const Socket& was = *changed.before;
  const Socket& is = *changed.after;
  const auto show = [&](std::string_view key, const std::string& before, const std::string& after) {
    if (before != after) cell(row, key) = Cell(arrow(before, after), Style::warning);
  };
  EndpointNames& endpoints = context_.endpoint_names();
  show("recv_q", std::to_string(was.receive_queue), std::to_string(is.receive_queue));
  show("send_q", std::to_string(was.send_queue), std::to_string(is.send_queue));
  show("state", std::string(state_text(was)), std::string(state_text(is)));
  show("owner", program_text(was, before_), program_text(is, after_));
  show("local", endpoints.local(was, before_), endpoints.local(is, after_));
  show("remote", endpoints.remote(was, before_), endpoints.remote(is, after_));
}

Value::Members DiffRows::values_before(const ChangedSocket& changed) const {
  const Socket& was = *changed.before;
  Value::Members members;
  for (const std::string& field : changed_fields(was, *changed.after)) {
    const Process* owner = owner_of(was, before_);
    if (field == "state") members.emplace_back("state", state_text(was));
    if (field == "receive_queue") members.emplace_back("recv_q", was.receive_queue);
    if (field == "send_queue") members.emplace_back("send_q", was.send_queue);
    if (field == "process")
      members.emplace_back("pid", owner == nullptr ? Value() : Value(owner->pid));
    if (field == "local_low" || field == "local_high")
      members.emplace_back("local_address", to_string(was.local, was.family));
    if (field == "local_port") members.emplace_back("local_port", was.local_port);
    if (field == "remote_low" || field == "remote_high")
      members.emplace_back("remote_address", to_string(was.remote, was.family));
    if (field == "remote_port") members.emplace_back("remote_port", was.remote_port);
  }
  return members;
}

void print_interfaces(Context& context, const Snapshot& before, const Snapshot& after,
                      const std::vector<InterfaceDiff>& interfaces) {
  Output& out = context.out();
  if (!interfaces.empty()) out.text("\nInterfaces");
  out.begin({"interface",
             "interfaces",
             {{"interface", "Iface"},
              {"namespace", "", Unit::text, Place::machine},
              {"received_bytes", "Received", Unit::bytes},
              {"sent_bytes", "Sent", Unit::bytes},
              {"errors", "Errors", Unit::count},
              {"dropped", "Dropped", Unit::count},
              {"change", "Link"},
              {"link_before", "", Unit::text, Place::machine},
              {"link_after", "", Unit::text, Place::machine}}});
  for (const InterfaceDiff& diff : interfaces) {
    const Snapshot& names = diff.after != nullptr ? after : before;
    const Interface& interface = diff.after != nullptr ? *diff.after : *diff.before;
    const auto trouble = [](std::uint64_t count) {
      return Cell(count, count > 0 ? Style::bad : Style::plain);
    };
    out.row({names.text(interface.name), namespace_text(interface.network_namespace, names),
             diff.received_bytes, diff.sent_bytes, trouble(diff.errors), trouble(diff.dropped),
             Cell(change_of_link(diff), Style::warning), text_of_link(diff.before),
             text_of_link(diff.after)});
  }
  out.end();
}

}  // namespace netrec
