#include "query/socket_columns.h"

#include <tuple>

#include "query/socket_selection.h"

namespace netrec {

namespace {

/// The fields programs get under names of their own already.
constexpr std::string_view kShownOtherwise[] = {
    "family",      "transport",         "type",          "local_high",
    "local_low",   "local_port",        "remote_high",   "remote_low",
    "remote_port", "network_namespace", "path",          "inode",
    "uid",         "process",           "opened_us",     "opened_after_us",
    "state",       "state_since_us",    "receive_queue", "send_queue",
    "remote_name", "sharers",           "cookie",        "interface"};

bool is_shown_otherwise(std::string_view name) {
  return std::find(std::begin(kShownOtherwise), std::end(kShownOtherwise), name) !=
         std::end(kShownOtherwise);
}

Unit unit_of(FieldKind kind) {
  switch (kind) {
    case FieldKind::text:
      return Unit::text;
    case FieldKind::instant_us:
    case FieldKind::instant_ms:
      return Unit::instant_us;
    default:
      return Unit::number;
  }
}

Value field_value(const Field<Socket>& field, const Socket& socket, const Snapshot& names) {
  const std::uint64_t number = field.get(socket);
  if (field.kind == FieldKind::text) return names.text(static_cast<std::uint32_t>(number));
  if (field.kind == FieldKind::instant_ms) return number < ~0ull / 1000 ? number * 1000 : 0;
  return number;
}

/// "opened_us" would be a wrong name for a time in words.
std::string key_of_field(const Field<Socket>& field) {
  std::string key(field.name);
  const bool instant = field.kind == FieldKind::instant_us || field.kind == FieldKind::instant_ms;
  if (instant && (key.ends_with("_us") || key.ends_with("_ms"))) key.resize(key.size() - 3);
  return key;
}

Value or_nothing(std::string text) { return text.empty() ? Value() : Value(std::move(text)); }

Value address_value(const IpAddress& address, Family family) {
  return or_nothing(to_string(address, family));
}

Value port_value(const Socket& socket, std::uint16_t port) {
  return is_internet(socket) || socket.family == Family::vsock ? Value(port) : Value();
}

}  // namespace

Style state_style(const Socket& socket) {
  switch (socket.state) {
    case TcpState::listen:
      return Style::good;
    case TcpState::time_wait:
      return Style::dim;
    case TcpState::close_wait:
    case TcpState::last_ack:
    case TcpState::closing:
    case TcpState::fin_wait1:
    case TcpState::syn_sent:
    case TcpState::syn_recv:
    case TcpState::new_syn_recv:
      return Style::warning;
    default:
      return Style::plain;
  }
}

std::vector<Column> SocketColumns::columns() const {
  constexpr Place kMachine = Place::machine;
  std::vector<Column> columns = {
      {"proto", "Proto"},
      {"recv_q", "Recv-Q", Unit::number},
      {"send_q", "Send-Q", Unit::number},
      {"local", "Local Address", Unit::text, Place::table, Fit::cut_end},
      {"remote", "Foreign Address", Unit::text, Place::table, Fit::cut_end},
      {"local_address", "", Unit::text, kMachine},
      {"local_port", "", Unit::number, kMachine},
      {"remote_address", "", Unit::text, kMachine},
      {"remote_port", "", Unit::number, kMachine},
      {"remote_name", "", Unit::text, kMachine},
      {"path", "", Unit::text, kMachine},
      {"state", "State"},
      {"owner", "PID/Program name", Unit::text, Place::table, Fit::cut_end},
  };
  if (commands) columns.push_back({"", "Command", Unit::text, Place::table, Fit::cut_end});
  if (names_namespace) columns.push_back({"", "Namespace", Unit::text, Place::table, Fit::cut_end});
  for (Column column :
       std::initializer_list<Column>{{"pid", "", Unit::number, kMachine},
                                     {"program", "", Unit::text, kMachine},
                                     {"exe", "", Unit::text, kMachine},
                                     {"command", "", Unit::text, kMachine},
                                     {"uid", "", Unit::number, kMachine},
                                     {"user", "", Unit::text, kMachine},
                                     {"type", "", Unit::text, kMachine},
                                     {"interface", "", Unit::text, kMachine},
                                     {"namespace", "", Unit::text, kMachine},
                                     {"inode", "", Unit::number, kMachine},
                                     {"cookie", "", Unit::number, kMachine},
                                     {"opened", "", Unit::instant_us, kMachine},
                                     {"opened_after", "", Unit::instant_us, kMachine},
                                     {"state_since", "", Unit::instant_us, kMachine}})
    columns.push_back(std::move(column));
  if (every_field)
    for (const auto& field : fields_of<Socket>())
      if (!is_shown_otherwise(field.name))
        columns.push_back({key_of_field(field), "", unit_of(field.kind), kMachine});
  return columns;
}

void SocketColumns::append(Row& row, const Socket& socket, const Snapshot& names,
                           EndpointNames& endpoints) const {
  const Process* owner = owner_of(socket, names);
  const auto queue = [](std::uint32_t bytes) {
    return Cell(bytes, bytes > 0 ? Style::strong : Style::plain);
  };
  const bool server = is_listening(socket);
  row.push_back(protocol_text(socket));
  row.push_back(server ? Cell(socket.receive_queue) : queue(socket.receive_queue));
  row.push_back(server ? Cell(socket.send_queue) : queue(socket.send_queue));
  row.push_back(endpoints.local(socket, names));
  row.push_back(endpoints.remote(socket, names));
  row.push_back(address_value(socket.local, socket.family));
  row.push_back(port_value(socket, socket.local_port));
  row.push_back(address_value(socket.remote, socket.family));
  row.push_back(port_value(socket, socket.remote_port));
  row.push_back(or_nothing(std::string(names.text(socket.remote_name))));
  row.push_back(or_nothing(std::string(names.text(socket.path))));
  row.push_back({state_text(socket), state_style(socket)});
  row.push_back(program_text(socket, names));
  const std::string command = owner == nullptr ? "" : command_line_text(*owner, names);
  if (commands) row.push_back(command);
  if (names_namespace) row.push_back(namespace_text(socket.network_namespace, names));
  row.push_back(owner == nullptr ? Value() : Value(owner->pid));
  row.push_back(owner == nullptr ? Value() : Value(program_name(*owner, names)));
  row.push_back(owner == nullptr ? Value() : or_nothing(std::string(names.text(owner->exe))));
  row.push_back(or_nothing(command));
  row.push_back(socket.uid);
  row.push_back(user_text(socket.uid, names));
  row.push_back(or_nothing(std::string(type_text(socket))));
  row.push_back(or_nothing(interface_text(socket, names)));
  row.push_back(or_nothing(namespace_text(socket.network_namespace, names)));
  row.push_back(socket.inode);
  row.push_back(socket.cookie);
  row.push_back(socket.opened_us);
  row.push_back(socket.opened_after_us);
  row.push_back(socket.state_since_us);
  if (every_field)
    for (const auto& field : fields_of<Socket>())
      if (!is_shown_otherwise(field.name)) row.push_back(field_value(field, socket, names));
}

bool listed_before(const Socket& one, const Socket& other) {
  const auto order = [](const Socket& socket) {
    return std::tuple(socket.transport, socket.family, !is_listening(socket), socket.local_port,
                      socket.local, socket.remote, socket.remote_port, socket.cookie);
  };
  return order(one) < order(other);
}

}  // namespace netrec
