#include "store/entity_columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "schema/ip_address.h"

namespace netrec {

namespace {

template <class T>
std::uint64_t value_of(const EntityRow<T>& row, std::uint16_t field) {
  return fields_of<T>()[field].get(*row.entity);
}

template <class T>
void emit_number(CellSink& out, const EntityRow<T>& row, std::uint16_t field) {
  out.number(value_of(row, field));
}

template <class T>
void emit_number_or_null(CellSink& out, const EntityRow<T>& row, std::uint16_t field) {
  out.number_or_null(value_of(row, field));
}

template <class T>
void emit_identifier(CellSink& out, const EntityRow<T>& row, std::uint16_t field) {
  out.identifier(value_of(row, field));
}

template <class T>
void emit_text(CellSink& out, const EntityRow<T>& row, std::uint16_t field) {
  out.text_or_null(row.names->text(static_cast<std::uint32_t>(value_of(row, field))));
}

std::string_view family_name(Family family) {
  switch (family) {
    case Family::unix:
      return "unix";
    case Family::inet:
      return "inet";
    case Family::inet6:
      return "inet6";
    case Family::packet:
      return "packet";
    case Family::vsock:
      return "vsock";
    case Family::none:
      break;
  }
  return "";
}

template <class T>
void emit_family(CellSink& out, const EntityRow<T>& row, std::uint16_t field) {
  out.text_or_null(family_name(static_cast<Family>(value_of(row, field))));
}

template <class T>
void emit_transport(CellSink& out, const EntityRow<T>& row, std::uint16_t field) {
  out.text(name(static_cast<Transport>(value_of(row, field))));
}

template <class T>
void emit_state(CellSink& out, const EntityRow<T>& row, std::uint16_t field) {
  out.text_or_null(name(static_cast<TcpState>(value_of(row, field))));
}

template <class T>
void emit_timer(CellSink& out, const EntityRow<T>& row, std::uint16_t field) {
  out.text_or_null(name(static_cast<SocketTimer>(value_of(row, field))));
}

template <class T>
void emit_operational_state(CellSink& out, const EntityRow<T>& row, std::uint16_t field) {
  out.text(operational_state_name(static_cast<std::uint32_t>(value_of(row, field))));
}

// `field` is the lower half; the upper one stands before it in the table of fields.
template <class T>
void emit_address(CellSink& out, const EntityRow<T>& row, std::uint16_t field) {
  const IpAddress address{.high = value_of(row, static_cast<std::uint16_t>(field - 1)),
                          .low = value_of(row, field)};
  // No other end: a listener's 0.0.0.0:0.
  if constexpr (requires { row.entity->remote_port; })
    if (address.is_zero() && row.entity->remote_port == 0 &&
        fields_of<T>()[field].name == "remote_low")
      return out.null();
  out.text_or_null(to_string(address, row.entity->family));
}

template <class T>
const Process* process_of(const EntityRow<T>& row) {
  return row.entity->process == 0 ? nullptr
                                  : row.names->template of<Process>().find(row.entity->process);
}

template <class T, std::uint32_t Process::*member>
void emit_process_text(CellSink& out, const EntityRow<T>& row, std::uint16_t) {
  const Process* process = process_of(row);
  out.text_or_null(process == nullptr ? std::string_view{} : row.names->text(process->*member));
}

template <class T>
void emit_command_line(CellSink& out, const EntityRow<T>& row, std::uint16_t) {
  const Process* process = process_of(row);
  std::string_view line = process == nullptr ? "" : row.names->text(process->command_line);
  while (line.ends_with('\0')) line.remove_suffix(1);
  out.text_or_null(line);
}

template <class T>
void emit_pid(CellSink& out, const EntityRow<T>& row, std::uint16_t) {
  const Process* process = process_of(row);
  out.number_or_null(process == nullptr ? 0 : process->pid);
}

template <class T>
void emit_exe_deleted(CellSink& out, const EntityRow<T>& row, std::uint16_t) {
  const Process* process = process_of(row);
  if (process == nullptr) return out.null();
  out.number(process->exe_deleted);
}

template <class T>
void emit_user(CellSink& out, const EntityRow<T>& row, std::uint16_t) {
  const Process* process = process_of(row);
  std::uint32_t uid = 0;
  if (process != nullptr)
    uid = process->uid;
  else if constexpr (requires { row.entity->uid; })
    uid = row.entity->uid;
  else
    return out.null();
  const User* user = row.names->template of<User>().find(uid);
  out.text(user == nullptr ? std::to_string(uid) : std::string(row.names->text(user->name)));
}

template <class T>
void emit_namespace(CellSink& out, const EntityRow<T>& row, std::uint16_t field) {
  const auto* found = row.names->template of<NetworkNamespace>().find(value_of(row, field));
  out.text_or_null(found == nullptr ? std::string_view{} : row.names->text(found->name));
}

void emit_hardware_address(CellSink& out, const EntityRow<Interface>& row, std::uint16_t field) {
  const std::uint64_t mac = value_of(row, field);
  if (mac == 0) return out.null();
  out.text(fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", mac >> 40 & 0xff,
                       mac >> 32 & 0xff, mac >> 24 & 0xff, mac >> 16 & 0xff, mac >> 8 & 0xff,
                       mac & 0xff));
}

template <class T>
using Emit = void (*)(CellSink&, const EntityRow<T>&, std::uint16_t);

template <class T>
EntityColumn<T> column_from(std::string_view name, std::string_view type, std::string_view about,
                            Emit<T> emit, std::uint16_t field, FieldSet needs = {}) {
  needs.set(field);
  CellSource source = CellSource::value;
  if (emit == emit_number<T>) source = CellSource::number;
  if (emit == emit_number_or_null<T>) source = CellSource::number_or_null;
  if (emit == emit_identifier<T>) source = CellSource::identifier;
  return {
      .column = {.name = std::string(name), .type = std::string(type), .about = std::string(about)},
      .emit = emit,
      .field = field,
      .needs = needs,
      .source = source};
}

// A code that has names is shown by name.
template <class T>
struct NamedCode {
  std::string_view field;
  Emit<T> emit;
  std::string_view about;
};

/// nullptr: by number.
template <class T>
const NamedCode<T>* named_code(std::string_view name) {
  static constexpr NamedCode<T> kNamed[] = {
      {"family", emit_family<T>, "inet, inet6, unix, packet, vsock"},
      {"transport", emit_transport<T>,
       "tcp, udp, udplite, raw, icmp, unix, packet, mptcp, sctp, vsock, dccp"},
      {"state", emit_state<T>,
       "As netstat spells it: ESTABLISHED, TIME_WAIT, LISTEN, …; CLOSE: a datagram socket without "
       "a connection"},
      {"timer", emit_timer<T>, "on (retransmit), keepalive, timewait, persist"},
      {"operational_state", emit_operational_state<T>, "RFC 2863: up, down, dormant, …, unknown"}};
  const auto* found = std::find_if(std::begin(kNamed), std::end(kNamed),
                                   [&](const NamedCode<T>& code) { return code.field == name; });
  return found == std::end(kNamed) ? nullptr : found;
}

template <class T>
void add_owner_columns(std::vector<EntityColumn<T>>& columns, std::uint16_t field) {
  const auto add = [&](std::string_view name, std::string_view type, std::string_view about,
                       Emit<T> emit) {
    columns.push_back(column_from<T>(name, type, about, emit, field));
  };
  add("program", "TEXT", "Owner's short name (/proc/PID/comm)",
      emit_process_text<T, &Process::comm>);
  add("pid", "INTEGER", "Owner's process id", emit_pid<T>);
  add("user", "TEXT", "User the owner runs as, as the recorded host named it", emit_user<T>);
  if constexpr (requires(T row) { row.uid; }) columns.back().needs.set(field_called<T>("uid"));
  columns.back().source = CellSource::row;
  add("exe", "TEXT", "Owner's executable", emit_process_text<T, &Process::exe>);
  add("exe_deleted", "INTEGER", "1 if the executable had been deleted", emit_exe_deleted<T>);
  add("command_line", "TEXT", "Owner's arguments", emit_command_line<T>);
  add("unit", "TEXT", "Owner's cgroup: unit or container", emit_process_text<T, &Process::cgroup>);
}

/// Cookies count down from 2^64, too (linux/cookie.h), and keys of the recorder's own have bits no
/// cookie has.
bool names_a_socket(std::string_view field) { return field == "cookie" || field == "socket"; }

template <class T>
void add_field(std::vector<EntityColumn<T>>& columns, std::uint16_t id) {
  const Field<T>& field = fields_of<T>()[id];
  const auto add = [&](std::string_view name, std::string_view type, Emit<T> emit) {
    columns.push_back(column_from<T>(name, type, field.about, emit, id));
  };
  if (field.name.ends_with("_high")) return;
  if (field.name.ends_with("_low")) {
    if constexpr (requires(T row) { row.family; }) {
      const std::string_view base = field.name.substr(0, field.name.size() - 4);
      add(base == "address" ? "address" : std::string(base) + "_address", "TEXT", emit_address<T>);
      columns.back().column.about = base == "address" ? "Address of the answer"
                                    : base == "local" ? "Local address"
                                                      : "Remote address; NULL: it has no other end";
      columns.back().needs.set(id - 1u).set(field_called<T>("family"));
      if (base == "remote") columns.back().needs_of_none.set(field_called<T>("remote_port"));
      columns.back().source = CellSource::address;
    }
    return;
  }
  if (field.name == "hardware_address") {
    if constexpr (std::is_same_v<T, Interface>) add(field.name, "TEXT", emit_hardware_address);
    return;
  }
  switch (field.kind) {
    case FieldKind::text:
      return add(field.name, "TEXT", emit_text<T>);
    case FieldKind::reference:
      add(field.name, "INTEGER", emit_number_or_null<T>);
      if constexpr (requires(T row) { row.process; })
        if (field.name == "process") add_owner_columns(columns, id);
      if (field.name == "network_namespace") {
        add("namespace", "TEXT", emit_namespace<T>);
        columns.back().column.about = "Name of the network namespace";
      }
      return;
    case FieldKind::instant_us:
    case FieldKind::instant_ms:
      return add(field.name, "INTEGER", emit_number_or_null<T>);
    case FieldKind::code:
      if constexpr (requires(T row) { row.family; } || std::is_same_v<T, Interface>) {
        if (const NamedCode<T>* named = named_code<T>(field.name)) {
          add(field.name, "TEXT", named->emit);
          columns.back().column.about = named->about;
          return;
        }
      }
      return add(field.name, "INTEGER", emit_number<T>);
    case FieldKind::identity:
      if (field.name.ends_with("_port")) return add(field.name, "INTEGER", emit_number_or_null<T>);
      if (names_a_socket(field.name)) return add(field.name, "INTEGER", emit_identifier<T>);
      return add(field.name, "INTEGER", emit_number<T>);
    case FieldKind::number:
    case FieldKind::counter:
      return add(field.name, "INTEGER", emit_number<T>);
  }
}

// What people ask for most comes first: SQLite tells a table exactly only about the use of the
// first 63 columns.
constexpr std::string_view kFirst[] = {"transport",
                                       "local_address",
                                       "local_port",
                                       "remote_address",
                                       "remote_port",
                                       "remote_name",
                                       "state",
                                       "program",
                                       "pid",
                                       "user",
                                       "opened_us",
                                       "bytes_sent",
                                       "bytes_received",
                                       "bytes_retransmitted",
                                       "total_retransmits",
                                       "rtt_us",
                                       "receive_queue",
                                       "send_queue",
                                       "exe",
                                       "exe_deleted",
                                       "command_line",
                                       "unit",
                                       "namespace",
                                       "state_since_us"};

std::size_t place_of(std::string_view name) {
  return static_cast<std::size_t>(std::find(std::begin(kFirst), std::end(kFirst), name) -
                                  std::begin(kFirst));
}

}  // namespace

template <class T>
std::vector<EntityColumn<T>> columns_of_entity() {
  std::vector<EntityColumn<T>> columns;
  for (std::uint16_t id = 0; id < fields_of<T>().size(); ++id) add_field(columns, id);
  std::stable_sort(columns.begin(), columns.end(), [](const auto& a, const auto& b) {
    return place_of(a.column.name) < place_of(b.column.name);
  });
  return columns;
}

template <class T>
EntityColumns<T>::EntityColumns(std::vector<EntityColumn<T>> columns)
    : columns_(std::move(columns)) {
  for (const EntityColumn<T>& column : columns_) described_.push_back(column.column);
}

template <class T>
int EntityColumns<T>::index_of(std::string_view name) const {
  for (std::size_t i = 0; i < columns_.size(); ++i)
    if (columns_[i].column.name == name) return static_cast<int>(i);
  return -1;
}

template <class T>
std::string_view EntityColumns<T>::name_of(int column) const {
  return columns_[static_cast<std::size_t>(column)].column.name;
}

template <class T>
void EntityColumns<T>::emit(int column, CellSink& out, const EntityRow<T>& row) const {
  const EntityColumn<T>& wanted = columns_[static_cast<std::size_t>(column)];
  wanted.emit(out, row, wanted.field);
}

template <class T>
FieldSet EntityColumns<T>::needed_by(const Request& request, bool has_addresses) const {
  FieldSet needed;
  const auto add = [&](const EntityColumn<T>& column) {
    needed |= column.needs;
    if (!has_addresses) needed |= column.needs_of_none;
  };
  for (std::size_t i = 0; i < columns_.size(); ++i)
    if (request.uses(static_cast<int>(i))) add(columns_[i]);
  for (const Constraint& constraint : request.constraints)
    add(columns_[static_cast<std::size_t>(constraint.column)]);
  return needed;
}

template class EntityColumns<Socket>;
template class EntityColumns<Interface>;
template class EntityColumns<Counter>;
template class EntityColumns<Peer>;
template class EntityColumns<Resolution>;
template std::vector<EntityColumn<Socket>> columns_of_entity();
template std::vector<EntityColumn<Interface>> columns_of_entity();
template std::vector<EntityColumn<Counter>> columns_of_entity();
template std::vector<EntityColumn<Peer>> columns_of_entity();
template std::vector<EntityColumn<Resolution>> columns_of_entity();

}  // namespace netrec
