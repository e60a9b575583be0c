#include "query/filter_keys.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "query/names.h"
#include "query/similar.h"

namespace netrec {

namespace {

using Subject = FilterSubject;
using Kind = FilterKey::Kind;

std::string plain(std::string_view name) {
  std::string text(name);
  for (char& c : text) c = c == '-' ? '_' : c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return text;
}

// --- who holds the socket ------------------------------------------------------------------------

/// True if `fits` is true for the owner or, where a socket is shared, for one of the other holders.
template <class Fits>
bool any_holder(const Subject& subject, Fits fits) {
  const auto& processes = subject.names.of<Process>();
  if (const Process* owner = processes.find(subject.socket.process); owner && fits(*owner))
    return true;
  for (const std::uint32_t id : holders_of(subject.socket, subject.names))
    if (const Process* holder = processes.find(id); holder && fits(*holder)) return true;
  return false;
}

std::string_view base_name(std::string_view path) {
  return path.substr(path.rfind('/') == std::string_view::npos ? 0 : path.rfind('/') + 1);
}

bool process_text(const Subject& subject, const TextTest& test) {
  return any_holder(subject, [&](const Process& process) {
    return test.fits(subject.names.text(process.comm)) ||
           test.fits(base_name(subject.names.text(process.exe)));
  });
}

bool exe_text(const Subject& subject, const TextTest& test) {
  return any_holder(subject, [&](const Process& process) {
    const std::string_view path = subject.names.text(process.exe);
    const bool whole = test.contains || test.pattern.find('/') != std::string::npos;
    return test.fits(whole ? path : base_name(path));
  });
}

bool command_text(const Subject& subject, const TextTest& test) {
  return any_holder(subject, [&](const Process& process) {
    return test.fits(command_line_text(process, subject.names));
  });
}

bool cgroup_text(const Subject& subject, const TextTest& test) {
  return any_holder(subject, [&](const Process& process) {
    return test.fits(subject.names.text(process.cgroup));
  });
}

bool pid_number(const Subject& subject, const NumberTest& test) {
  return any_holder(subject, [&](const Process& process) { return test.fits(process.pid); });
}

// --- text and numbers of the socket itself -------------------------------------------------------

bool user_name(const Subject& subject, const TextTest& test) {
  return test.fits(user_text(subject.socket.uid, subject.names));
}

bool user_number(const Subject& subject, const NumberTest& test) {
  return test.fits(subject.socket.uid);
}

bool namespace_name(const Subject& subject, const TextTest& test) {
  return test.fits(namespace_text(subject.socket.network_namespace, subject.names));
}

bool namespace_number(const Subject& subject, const NumberTest& test) {
  const auto* found = subject.names.of<NetworkNamespace>().find(subject.socket.network_namespace);
  return found != nullptr && test.fits(found->inode);
}

bool device_name(const Subject& subject, const TextTest& test) {
  return test.fits(interface_text(subject.socket, subject.names));
}

bool any_text_field(const Subject& subject, const TextTest& test) {
  return test.fits(subject.names.text(test.field(subject.socket)));
}

bool any_number_field(const Subject& subject, const NumberTest& test) {
  return test.fits(fields_of<Socket>()[test.field].get(subject.socket));
}

// --- flags ---------------------------------------------------------------------------------------

bool has_ports(const Socket& socket) {
  return socket.family == Family::inet || socket.family == Family::inet6;
}

/// The kernel chose the local port: it lies in the namespace's range for that.
bool is_autobound(const Subject& subject) {
  if (!has_ports(subject.socket)) return false;
  const auto* where = subject.names.of<NetworkNamespace>().find(subject.socket.network_namespace);
  const bool known = where != nullptr && where->last_port != 0;
  // The default of net.ipv4.ip_local_port_range, ip-sysctl.rst.
  const std::uint16_t first = known ? where->first_port : std::uint16_t{32768};
  const std::uint16_t last = known ? where->last_port : std::uint16_t{60999};
  return subject.socket.local_port >= first && subject.socket.local_port <= last;
}

bool is_loopback_pair(const Subject& subject) {
  const Socket& socket = subject.socket;
  return is_loopback(socket.local, socket.family) || is_loopback(socket.remote, socket.family);
}

bool is_orphan(const Subject& subject) { return has(subject.socket, SocketFlag::orphan); }
bool is_shared(const Subject& subject) { return subject.socket.sharers != 0; }

// --- the keys ------------------------------------------------------------------------------------

std::bitset<128> reading(std::initializer_list<std::string_view> fields) {
  std::bitset<128> bits;
  for (const std::string_view field : fields) bits.set(socket_field(field));
  return bits;
}

struct NamedKey {
  std::string_view name;
  FilterKey key;
};

FilterKey text_key(TextSource source, std::initializer_list<std::string_view> fields,
                   NumberSource number = nullptr) {
  FilterKey key;
  key.kind = Kind::text;
  key.text = source;
  key.number = number;
  key.reads = reading(fields);
  return key;
}

FilterKey number_key(NumberSource source, std::initializer_list<std::string_view> fields) {
  FilterKey key;
  key.kind = Kind::number;
  key.number = source;
  key.reads = reading(fields);
  return key;
}

FilterKey text_field_key(std::uint32_t (*field)(const Socket&), std::string_view name) {
  FilterKey key = text_key(any_text_field, {name});
  key.text_field = field;
  return key;
}

FilterKey flag_key(bool (*holds)(const Subject&), std::initializer_list<std::string_view> fields) {
  FilterKey key;
  key.flag.holds = holds;
  key.reads = reading(fields);
  return key;
}

FilterKey field_key(std::size_t index) {
  const auto& field = fields_of<Socket>()[index];
  FilterKey key;
  key.kind = Kind::number;
  key.number = any_number_field;
  key.field = index;
  key.reads.set(index);
  key.is_duration = field.name.ends_with("_us") && field.kind == FieldKind::number;
  return key;
}

const std::vector<NamedKey>& named_keys() {
  static const std::vector<NamedKey> kKeys = {
      {"process", text_key(process_text, {"process", "sharers"})},
      {"exe", text_key(exe_text, {"process", "sharers"})},
      {"command", text_key(command_text, {"process", "sharers"})},
      {"cgroup", text_key(cgroup_text, {"process", "sharers"})},
      {"pid", number_key(pid_number, {"process", "sharers"})},
      {"user", text_key(user_name, {"uid"}, user_number)},
      {"namespace", text_key(namespace_name, {"network_namespace"}, namespace_number)},
      {"dev", text_key(device_name, {"interface", "network_namespace"})},
      {"name", text_field_key([](const Socket& s) { return s.remote_name; }, "remote_name")},
      {"path", text_field_key([](const Socket& s) { return s.path; }, "path")},
      {"congestion", text_field_key([](const Socket& s) { return s.congestion; }, "congestion")},
      {"autobound", flag_key(is_autobound, {"family", "network_namespace", "local_port"})},
      {"loopback", flag_key(is_loopback_pair,
                            {"family", "local_high", "local_low", "remote_high", "remote_low"})},
      {"orphan", flag_key(is_orphan, {"flags"})},
      {"shared", flag_key(is_shared, {"sharers"})},
  };
  return kKeys;
}

/// Other names of fields: those of ss's columns.
constexpr std::pair<std::string_view, std::string_view> kAliases[] = {
    {"recv_q", "receive_queue"}, {"send_q", "send_queue"},
    {"rtt", "rtt_us"},           {"cwnd", "congestion_window"},
    {"fwmark", "mark"},          {"retrans", "total_retransmits"},
    {"comm", "process"},         {"program", "process"},
    {"cmdline", "command"},      {"uid", "user"},
    {"netns", "namespace"},      {"interface", "dev"},
};

/// Fields that can be compared with a number that means something to a person.
bool is_askable(const Field<Socket>& field) {
  return field.kind != FieldKind::text && field.kind != FieldKind::reference &&
         field.kind != FieldKind::instant_us && field.kind != FieldKind::instant_ms;
}

}  // namespace

std::size_t socket_field(std::string_view name) {
  const auto fields = fields_of<Socket>();
  for (std::size_t i = 0; i < fields.size(); ++i)
    if (fields[i].name == name) return i;
  NETREC_CHECK(false, "no such field of a socket");
}

std::optional<FilterKey> filter_key(std::string_view name) {
  std::string wanted = plain(name);
  for (const auto& [alias, meant] : kAliases)
    if (wanted == alias) wanted = meant;
  for (const NamedKey& named : named_keys())
    if (named.name == wanted) return named.key;
  const auto fields = fields_of<Socket>();
  for (std::size_t i = 0; i < fields.size(); ++i)
    if (fields[i].name == wanted && is_askable(fields[i])) return field_key(i);
  return std::nullopt;
}

std::string similar_filter_key(std::string_view name) {
  std::vector<std::string> candidates = {"state", "exclude", "src",   "dst",  "addr", "sport",
                                         "dport", "port",    "proto", "and",  "or",   "not",
                                         "tcp",   "udp",     "unix",  "inet", "inet6"};
  for (const NamedKey& named : named_keys()) candidates.emplace_back(named.name);
  for (const auto& [alias, meant] : kAliases) candidates.emplace_back(alias);
  for (const auto& field : fields_of<Socket>())
    if (is_askable(field)) candidates.emplace_back(field.name);
  return most_similar(plain(name), candidates);
}

std::uint32_t states_called(std::string_view name) {
  const auto bit = [](TcpState state) { return 1u << static_cast<unsigned>(state); };
  constexpr std::uint32_t kAll = 0x3ffe;  // every TcpState but unknown
  const std::uint32_t opening = bit(TcpState::syn_recv) | bit(TcpState::new_syn_recv);
  const std::uint32_t connected =
      kAll & ~(bit(TcpState::listen) | bit(TcpState::close) | bit(TcpState::bound_inactive));
  const std::string wanted = plain(name);
  // The groups are those of ss(8).
  if (wanted == "all") return kAll | bit(TcpState::unknown);
  if (wanted == "connected") return connected;
  if (wanted == "synchronized") return connected & ~bit(TcpState::syn_sent);
  if (wanted == "bucket") return opening | bit(TcpState::time_wait);
  if (wanted == "big") return kAll & ~(opening | bit(TcpState::time_wait));
  if (wanted == "syn_recv") return opening;
  if (wanted == "listening") return bit(TcpState::listen);
  if (wanted == "closed" || wanted == "unconnected") return bit(TcpState::close);
  if (wanted == "bound") return bit(TcpState::bound_inactive);
  if (wanted == "fin_wait_1") return bit(TcpState::fin_wait1);
  if (wanted == "fin_wait_2") return bit(TcpState::fin_wait2);
  for (unsigned i = 1; i <= static_cast<unsigned>(TcpState::bound_inactive); ++i) {
    const auto state = static_cast<TcpState>(i);
    if (wanted == plain(netrec::name(state)) || wanted == plain(short_name(state)))
      return bit(state);
  }
  return 0;
}

std::optional<TransportTest> transport_called(std::string_view name) {
  std::string wanted = plain(name);
  if (wanted == "inet") return TransportTest{Transport::unknown, Family::inet};
  if (wanted == "inet6") return TransportTest{Transport::unknown, Family::inet6};
  TransportTest test;
  if (wanted.ends_with('6')) test.family = Family::inet6;
  if (wanted.ends_with('4')) test.family = Family::inet;
  if (test.family != Family::none) wanted.pop_back();
  for (unsigned i = 1; i <= static_cast<unsigned>(Transport::dccp); ++i) {
    test.transport = static_cast<Transport>(i);
    const bool has_families = test.transport != Transport::unix &&
                              test.transport != Transport::packet &&
                              test.transport != Transport::vsock;
    if (wanted == netrec::name(test.transport) && (has_families || test.family == Family::none))
      return test;
  }
  return std::nullopt;
}

}  // namespace netrec
