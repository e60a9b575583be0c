#include "store/history_filter.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <type_traits>

#include "schema/sharers.h"
#include "store/chunk_layout.h"
#include "store/packed_column.h"
#include "store/wanted_names.h"

namespace netrec {

namespace {

std::uint64_t clamped_us(WallTime wall) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, wall.time_since_epoch().count()));
}

bool wants_port(const std::vector<PortRange>& ranges, std::uint64_t port) {
  return std::any_of(ranges.begin(), ranges.end(), [&](const PortRange& range) {
    return port >= range.first && port <= range.last;
  });
}

bool wants_transport(const std::vector<Transport>& transports, std::uint64_t transport) {
  return std::any_of(transports.begin(), transports.end(), [&](Transport wanted) {
    return static_cast<std::uint64_t>(wanted) == transport;
  });
}

bool same_text(std::string_view a, std::string_view b) {
  const auto fold = [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return fold(x) == fold(y); });
}

/// True if there is nothing to look for, or `holds` says yes to some of it.
template <class List, class Holds>
bool any_or_none(const List& list, Holds&& holds) {
  return list.empty() || std::any_of(list.begin(), list.end(), holds);
}

/// Narrows a selection down, column by column.
template <class T>
class Selection {
 public:
  Selection(const ChunkReader& chunk, std::size_t rows, HistoryFilter::Unpacked& unpacked)
      : chunk_(chunk), unpacked_(unpacked), all_(rows) {}

  /// The same as narrow() where `field` must be one of `values`; cheap as the first of all.
  Status narrow_to(std::string_view name, std::span<const std::uint64_t> values) {
    const std::uint16_t field = field_id<T>(name);
    if (is_listed_) return {};
    NETREC_TRY(found, chunk_.rows_with<T>(LifeGroup::ended, field, values));
    rows_ = std::move(found);
    is_listed_ = true;
    return {};
  }
  /// Keeps the rows in which `test` holds.
  Status narrow(const FieldTest& test) {
    const FieldTest::NumberRange range = test.range();
    list();
    if (rows_.empty()) return {};
    if (is_few()) {
      NETREC_TRY(cells, chunk_.cells<T>(LifeGroup::ended, test.field, rows_));
      keep_if([&](std::size_t i) { return range.holds(cells[i]); });
      return {};
    }
    NETREC_TRY(column, unpack(test.field));
    std::size_t kept = 0;
    for (const std::uint32_t row : rows_) {
      rows_[kept] = row;
      kept += range.holds((*column)[row]) ? 1 : 0;
    }
    rows_.resize(kept);
    return {};
  }
  /// Keeps the rows for which `keep` says yes to the values of `names`, at a place in them.
  template <class Keep>
  Status narrow(std::initializer_list<std::string_view> names, Keep&& keep) {
    list();
    if (rows_.empty()) return {};
    std::vector<const Column*> columns;
    if (is_few()) {
      std::vector<Column> cells;
      cells.reserve(names.size());
      for (const std::string_view name : names) {
        NETREC_TRY(some, chunk_.cells<T>(LifeGroup::ended, field_id<T>(name), rows_));
        columns.push_back(&cells.emplace_back(std::move(some)));
      }
      keep_if([&](std::size_t i) { return keep(columns, static_cast<std::uint32_t>(i)); });
      return {};
    }
    for (const std::string_view name : names) {
      NETREC_TRY(column, unpack(field_id<T>(name)));
      columns.push_back(column);
    }
    std::erase_if(rows_, [&](std::uint32_t row) { return !keep(columns, row); });
    return {};
  }
  std::vector<std::uint32_t>& rows() {
    list();
    return rows_;
  }

 private:
  /// All of them, until something narrows them down.
  void list() {
    if (is_listed_) return;
    rows_.resize(all_);
    std::iota(rows_.begin(), rows_.end(), 0);
    is_listed_ = true;
  }
  bool is_few() const { return are_few(rows_.size(), all_); }

  /// Keeps the rows at the places for which `keep` says yes.
  template <class Keep>
  void keep_if(Keep&& keep) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < rows_.size(); ++i)
      if (keep(i)) rows_[kept++] = rows_[i];
    rows_.resize(kept);
  }

  Result<const Column*> unpack(std::uint16_t field) {
    const auto known = unpacked_.find(field);
    if (known != unpacked_.end()) return &known->second;
    NETREC_TRY(column, chunk_.column<T>(LifeGroup::ended, field));
    return &(unpacked_[field] = std::move(column));
  }

  const ChunkReader& chunk_;
  HistoryFilter::Unpacked& unpacked_;
  std::size_t all_;
  bool is_listed_ = false;
  std::vector<std::uint32_t> rows_;
};

using Columns = std::vector<const Column*>;

// More are looked for row by row.
constexpr std::size_t kMostLookedUp = 8;

/// The lower halves of all that is wanted, if that is some whole addresses: nearly every row is
/// told from them by those. An address of IPv4 also stands in one of IPv6 (RFC 4291, 2.5.5.2).
Column low_halves(const std::vector<Prefix>& prefixes) {
  Column lows;
  if (prefixes.size() > kMostLookedUp) return lows;
  for (const Prefix& one : prefixes) {
    const bool is_inet = one.family == Family::inet;
    if (one.bits != (is_inet ? 32 : 128)) return {};
    const std::uint64_t low = one.address.low;
    lows.push_back(low);
    if (is_inet) lows.push_back(low | 0xffff'0000'0000);
    if (!is_inet && one.address.high == 0 && low >> 32 == 0xffff) lows.push_back(low & 0xffff'ffff);
  }
  return lows;
}

/// The ports, if few enough are wanted.
Column single_ports(const std::vector<PortRange>& ranges) {
  Column ports;
  if (ranges.size() > kMostLookedUp) return ports;
  for (const PortRange& range : ranges) {
    if (range.first != range.last) return {};
    ports.push_back(range.first);
  }
  return ports;
}

Family family_of(std::uint64_t number) { return static_cast<Family>(number); }

// Of a longer list chunks are not asked one by one, but read.
constexpr std::size_t kMostKeys = 4096;
// As of a header's outline.
constexpr int kNarrowestTried = 16;
constexpr int kMostPortsTried = 64;

using Clause = std::vector<WantedKey>;

void add_key(Clause& clause, KeyKind kind, std::uint64_t key) {
  clause.push_back({kind, search_key(kind, key)});
}

/// Adds what stands for `prefix`; false: no keys can.
bool add_prefix(Clause& clause, const Prefix& prefix, KeyKind whole) {
  const bool is_inet = prefix.family == Family::inet;
  const IpAddress& address = prefix.address;
  if (prefix.bits == (is_inet ? 32 : 128)) {
    add_key(clause, whole, address_key(address));
    return true;
  }
  // ::/64 and its like also hold IPv4-mapped addresses, which have keys of IPv4.
  if (whole != KeyKind::remote_address || (!is_inet && address.high == 0)) return false;
  const int filtered = is_inet ? 24 : 48;
  if (prefix.bits >= filtered) {
    add_key(clause, KeyKind::remote_prefix, prefix_key(address));
    return true;
  }
  if (!is_inet || prefix.bits < kNarrowestTried) return false;
  for (std::uint64_t i = 0; i < std::uint64_t{1} << (filtered - prefix.bits); ++i)
    add_key(clause, KeyKind::remote_prefix, prefix_key(address) + i);
  return true;
}

bool add_ports(Clause& clause, const PortRange& range, KeyKind kind) {
  if (range.last - range.first >= kMostPortsTried) return false;
  for (unsigned port = range.first; port <= range.last; ++port) add_key(clause, kind, port);
  return true;
}

/// Adds a clause of what `add` makes of each of `list`, unless it cannot be told in keys.
template <class List, class Add>
void add_clause(WantedKeys& keys, const List& list, const Add& add) {
  Clause clause;
  for (const auto& one : list)
    if (!add(clause, one) || clause.size() > kMostKeys) return;
  if (!clause.empty()) keys.push_back(std::move(clause));
}

}  // namespace

HistoryFilter::HistoryFilter(const Wanted& wanted)
    : wanted_(wanted), from_us_(clamped_us(wanted.from)), to_us_(clamped_us(wanted.to)) {}

bool HistoryFilter::may_hold(const ChunkHeader& header) const {
  const Outline& outline = header.outline;
  if (!touches(header.first_opened_us, header.last_wall_us)) return false;
  const auto port = [](bool (Outline::*may_have)(std::uint16_t, std::uint16_t) const,
                       const Outline& of) {
    return
        [may_have, &of](const PortRange& range) { return (of.*may_have)(range.first, range.last); };
  };
  return any_or_none(wanted_.remote, [&](const Prefix& p) { return outline.may_have_remote(p); }) &&
         any_or_none(wanted_.local, [&](const Prefix& p) { return outline.may_have_local(p); }) &&
         any_or_none(wanted_.remote_ports, port(&Outline::may_have_remote_port, outline)) &&
         any_or_none(wanted_.local_ports, port(&Outline::may_have_local_port, outline)) &&
         any_or_none(wanted_.transports,
                     [&](Transport transport) {
                       return (outline.transports >> static_cast<unsigned>(transport) & 1) != 0;
                     }) &&
         any_or_none(wanted_.pids,
                     [&](std::uint32_t pid) { return outline.pids.may_contain(pid); }) &&
         any_or_none(wanted_.programs,
                     [&](const std::string& program) {
                       return outline.programs.may_contain(text_key(program));
                     }) &&
         any_or_none(wanted_.names, [&](const std::string& name) {
           return outline.names.may_contain(text_key(name));
         });
}

template <class T>
ChunkChoice HistoryFilter::choice() const {
  ChunkChoice choice{
      .from_us = from_us_, .to_us = to_us_, .ended = ended_bit(EntityTraits<T>::kind), .keys = {}};
  const auto prefixes = [](KeyKind whole) {
    return [whole](Clause& clause, const Prefix& p) { return add_prefix(clause, p, whole); };
  };
  const auto ports = [](KeyKind kind) {
    return [kind](Clause& clause, const PortRange& r) { return add_ports(clause, r, kind); };
  };
  const auto texts = [](KeyKind kind) {
    return [kind](Clause& clause, const std::string& text) {
      add_key(clause, kind, text_key(text));
      return true;
    };
  };
  add_clause(choice.keys, wanted_.remote, prefixes(KeyKind::remote_address));
  add_clause(choice.keys, wanted_.local, prefixes(KeyKind::local_address));
  add_clause(choice.keys, wanted_.remote_ports, ports(KeyKind::remote_port));
  add_clause(choice.keys, wanted_.local_ports, ports(KeyKind::local_port));
  add_clause(choice.keys, wanted_.pids, [](Clause& clause, std::uint32_t pid) {
    add_key(clause, KeyKind::pid, pid);
    return true;
  });
  add_clause(choice.keys, wanted_.programs, texts(KeyKind::program));
  add_clause(choice.keys, wanted_.names, texts(KeyKind::name));
  return choice;
}

bool HistoryFilter::wants_address(const std::vector<Prefix>& prefixes, const IpAddress& address,
                                  Family family) const {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](const Prefix& prefix) { return prefix.contains(address, family); });
}

bool HistoryFilter::wants_process(std::uint32_t id, const Snapshot& names) const {
  if (wanted_.pids.empty() && wanted_.programs.empty()) return true;
  const Process* process = names.of<Process>().find(id);
  if (process == nullptr) return false;
  if (!any_or_none(wanted_.pids, [&](std::uint32_t pid) { return pid == process->pid; }))
    return false;
  const std::string_view exe = names.text(process->exe);
  return any_or_none(wanted_.programs, [&](const std::string& program) {
    return same_text(exe, program) || same_text(exe.substr(exe.rfind('/') + 1), program) ||
           same_text(names.text(process->comm), program);
  });
}

/// `sharers`: the Text of Socket::sharers.
bool HistoryFilter::wants_holder(std::uint32_t process, std::uint32_t sharers,
                                 const Snapshot& names) const {
  if (wants_process(process, names)) return true;
  const auto holders = sharers_in(names.text(sharers));
  return std::any_of(holders.begin(), holders.end(),
                     [&](std::uint32_t holder) { return wants_process(holder, names); });
}

Column HistoryFilter::wanted_processes(const Snapshot& names) const {
  Column ids;
  for (const Process& process : names.of<Process>())
    if (wants_process(process.id, names)) ids.push_back(process.id);
  return ids;
}

bool HistoryFilter::wants_name(std::uint32_t text, const Snapshot& names) const {
  return any_or_none(wanted_.names,
                     [&](const std::string& name) { return same_text(names.text(text), name); });
}

bool HistoryFilter::wants_namespace(std::uint32_t id, const Snapshot& names) const {
  const NetworkNamespace* where = names.of<NetworkNamespace>().find(id);
  return any_or_none(wanted_.namespaces, [&](const std::string& name) {
    return where != nullptr && names.text(where->name) == name;
  });
}

template <class T>
bool HistoryFilter::matches(const T& row, const Snapshot& names) const {
  if (!wants_namespace(row.network_namespace, names)) return false;
  if constexpr (std::is_same_v<T, Socket>) {
    for (const FieldTest& test : wanted_.tests)
      if (!test.holds(fields_of<T>()[test.field].get(row))) return false;
    if (!wants_holder(row.process, row.sharers, names)) return false;
  } else {
    if (!wants_process(row.process, names)) return false;
  }
  if constexpr (std::is_same_v<T, Resolution>) {
    return (wanted_.remote.empty() || wants_address(wanted_.remote, row.address, row.family)) &&
           wants_name(row.name, names);
  } else {
    return (wanted_.remote.empty() || wants_address(wanted_.remote, row.remote, row.family)) &&
           (wanted_.local.empty() || wants_address(wanted_.local, row.local, row.family)) &&
           (wanted_.remote_ports.empty() || wants_port(wanted_.remote_ports, row.remote_port)) &&
           (wanted_.local_ports.empty() || wants_port(wanted_.local_ports, row.local_port)) &&
           (wanted_.transports.empty() ||
            wants_transport(wanted_.transports, static_cast<std::uint64_t>(row.transport))) &&
           wants_name(row.remote_name, names);
  }
}

template <class T>
std::vector<std::pair<std::string_view, Column>> HistoryFilter::single_values(
    const ChunkReader& chunk, WantedNames& names) const {
  constexpr bool kIsResolution = std::is_same_v<T, Resolution>;
  std::vector<std::pair<std::string_view, Column>> found;
  const auto add = [&](std::string_view name, Column values) {
    if (!values.empty()) found.emplace_back(name, std::move(values));
  };
  add(kIsResolution ? "address_low" : "remote_low", low_halves(wanted_.remote));
  if constexpr (!kIsResolution) {
    add("local_low", low_halves(wanted_.local));
    add("remote_port", single_ports(wanted_.remote_ports));
    add("local_port", single_ports(wanted_.local_ports));
  }
  bool is_shared = false;  // Then others than the process itself may hold it.
  if constexpr (std::is_same_v<T, Socket>)
    is_shared = chunk.has<T>(LifeGroup::ended, field_id<T>("sharers"));
  if (is_shared || (wanted_.pids.empty() && wanted_.programs.empty())) return found;
  const Column& processes = names.processes();
  if (processes.size() <= kMostLookedUp) found.emplace_back("process", processes);
  return found;
}

// NOLINTBEGIN(readability-function-size): a line for each thing that can be wanted, as in
// matches().
template <class T>
Result<std::vector<std::uint32_t>> HistoryFilter::select(const ChunkReader& chunk,
                                                         WantedNames& wanted_names,
                                                         Unpacked& unpacked) const {
  const Snapshot& names = *wanted_names.names();
  constexpr bool kIsResolution = std::is_same_v<T, Resolution>;
  Selection<T> selection(chunk, chunk.rows<T>(LifeGroup::ended), unpacked);
  const auto address = [&](const std::vector<Prefix>& prefixes) {
    return [this, &prefixes](const Columns& c, std::uint32_t row) {
      return wants_address(prefixes, {.high = (*c[0])[row], .low = (*c[1])[row]},
                           family_of((*c[2])[row]));
    };
  };
  for (const auto& [name, values] : single_values<T>(chunk, wanted_names))
    NETREC_CHECKED(selection.narrow_to(name, values));
  if (!wanted_.remote.empty()) {
    if constexpr (kIsResolution)
      NETREC_CHECKED(
          selection.narrow({"address_high", "address_low", "family"}, address(wanted_.remote)));
    else
      NETREC_CHECKED(
          selection.narrow({"remote_high", "remote_low", "family"}, address(wanted_.remote)));
  }
  if constexpr (!kIsResolution) {
    if (!wanted_.local.empty())
      NETREC_CHECKED(
          selection.narrow({"local_high", "local_low", "family"}, address(wanted_.local)));
    if (!wanted_.remote_ports.empty())
      NETREC_CHECKED(selection.narrow({"remote_port"}, [&](const auto& c, std::uint32_t row) {
        return wants_port(wanted_.remote_ports, (*c[0])[row]);
      }));
    if (!wanted_.local_ports.empty())
      NETREC_CHECKED(selection.narrow({"local_port"}, [&](const auto& c, std::uint32_t row) {
        return wants_port(wanted_.local_ports, (*c[0])[row]);
      }));
    if (!wanted_.transports.empty())
      NETREC_CHECKED(selection.narrow({"transport"}, [&](const auto& c, std::uint32_t row) {
        return wants_transport(wanted_.transports, (*c[0])[row]);
      }));
  }
  if (!wanted_.pids.empty() || !wanted_.programs.empty()) {
    if constexpr (std::is_same_v<T, Socket>)
      NETREC_CHECKED(
          selection.narrow({"process", "sharers"}, [&](const auto& c, std::uint32_t row) {
            return wants_holder(static_cast<std::uint32_t>((*c[0])[row]),
                                static_cast<std::uint32_t>((*c[1])[row]), names);
          }));
    else
      NETREC_CHECKED(selection.narrow({"process"}, [&](const auto& c, std::uint32_t row) {
        return wants_process(static_cast<std::uint32_t>((*c[0])[row]), names);
      }));
  }
  if (!wanted_.namespaces.empty())
    NETREC_CHECKED(selection.narrow({"network_namespace"}, [&](const auto& c, std::uint32_t row) {
      return wants_namespace(static_cast<std::uint32_t>((*c[0])[row]), names);
    }));
  if (!wanted_.names.empty())
    NETREC_CHECKED(selection.narrow(
        {kIsResolution ? "name" : "remote_name"}, [&](const auto& c, std::uint32_t row) {
          return wants_name(static_cast<std::uint32_t>((*c[0])[row]), names);
        }));
  if constexpr (std::is_same_v<T, Socket>)
    for (const FieldTest& test : wanted_.tests) NETREC_CHECKED(selection.narrow(test));
  return std::move(selection.rows());
}
// NOLINTEND(readability-function-size)

#define NETREC_INSTANTIATE(T)                                               \
  template ChunkChoice HistoryFilter::choice<T>() const;                    \
  template bool HistoryFilter::matches<T>(const T&, const Snapshot&) const; \
  template Result<std::vector<std::uint32_t>> HistoryFilter::select<T>(     \
      const ChunkReader&, WantedNames&, Unpacked&) const;
NETREC_INSTANTIATE(Socket)
NETREC_INSTANTIATE(Peer)
NETREC_INSTANTIATE(Resolution)
#undef NETREC_INSTANTIATE

}  // namespace netrec
