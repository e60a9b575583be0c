#include "store/wanted_of.h"

#include <algorithm>
#include <limits>
#include <string>

namespace netrec {

namespace {

bool is_range(Comparison comparison) {
  return comparison != Comparison::equal && comparison != Comparison::inside;
}

void narrow_addresses(std::vector<Prefix>& list, const Constraint& constraint) {
  if (!list.empty()) return;
  for (const SqlCell& value : constraint.values) {
    const auto* text = std::get_if<std::string>(&value);
    const auto prefix =
        text == nullptr ? Result<Prefix>(tl::unexpected<Error>(Error{})) : parse_prefix(*text);
    // Something else stands there, which this list cannot say: no hint.
    if (!prefix) return list.clear();
    list.push_back(*prefix);
  }
}

std::uint16_t port_of(std::int64_t value) {
  return static_cast<std::uint16_t>(std::clamp<std::int64_t>(value, 0, 65535));
}

void narrow_ports(std::vector<PortRange>& list, const Constraint& constraint) {
  if (!list.empty()) return;
  for (const SqlCell& value : constraint.values) {
    const auto* number = std::get_if<std::int64_t>(&value);
    if (number == nullptr) return list.clear();
    const std::uint16_t port = port_of(*number);
    switch (constraint.comparison) {
      case Comparison::less:
      case Comparison::less_equal:
        list.push_back({.first = 0, .last = port});
        break;
      case Comparison::greater:
      case Comparison::greater_equal:
        list.push_back({.first = port, .last = 65535});
        break;
      default:
        list.push_back({.first = port, .last = port});
    }
  }
}

void narrow_transports(std::vector<Transport>& list, const Constraint& constraint) {
  if (!list.empty()) return;
  for (const SqlCell& value : constraint.values) {
    const auto* text = std::get_if<std::string>(&value);
    for (int number = 1; text != nullptr && number <= static_cast<int>(Transport::dccp); ++number)
      if (name(static_cast<Transport>(number)) == *text)
        list.push_back(static_cast<Transport>(number));
  }
}

void narrow_pids(std::vector<std::uint32_t>& list, const Constraint& constraint) {
  if (!list.empty()) return;
  for (const SqlCell& value : constraint.values) {
    const auto* number = std::get_if<std::int64_t>(&value);
    if (number == nullptr || *number < 1 || *number > std::numeric_limits<std::uint32_t>::max())
      return list.clear();
    list.push_back(static_cast<std::uint32_t>(*number));
  }
}

// A pattern is not an equality: only that reaches us.
void narrow_texts(std::vector<std::string>& list, const Constraint& constraint) {
  if (!list.empty()) return;
  for (const SqlCell& value : constraint.values) {
    const auto* text = std::get_if<std::string>(&value);
    if (text == nullptr || text->empty()) return list.clear();
    list.push_back(*text);
  }
}

void narrow_times(Wanted& wanted, const Constraint& constraint) {
  const auto* us = constraint.values.size() == 1
                       ? std::get_if<std::int64_t>(&constraint.values.front())
                       : nullptr;
  if (us == nullptr) return;
  const WallTime time{std::chrono::microseconds(*us)};
  const Comparison comparison = constraint.comparison;
  if (comparison != Comparison::greater && comparison != Comparison::greater_equal)
    wanted.to = std::min(wanted.to, time);
  if (comparison != Comparison::less && comparison != Comparison::less_equal)
    wanted.from = std::max(wanted.from, time);
}

}  // namespace

bool is_instant_of_life(std::string_view name) {
  return name == "opened_us" || name == "closed_us" || name == "closed_after_us" ||
         name == "last_seen_us" || name == "at_us" || name == "first_us" || name == "last_us" ||
         name == "answered_us" || name == "state_since_us";
}

double narrowing(std::string_view name, Comparison comparison) {
  if (is_instant_of_life(name)) return comparison == Comparison::inside ? 1 : 0.2;
  if (name == "remote_address")
    return is_range(comparison) ? 1 : comparison == Comparison::equal ? 0.0001 : 0.001;
  if (name == "local_address") return is_range(comparison) ? 1 : 0.3;
  if (name == "remote_port" || name == "local_port")
    return comparison == Comparison::inside ? 1 : is_range(comparison) ? 0.5 : 0.01;
  if (name == "program" || name == "exe" || name == "remote_name" || name == "name")
    return comparison == Comparison::equal ? 0.01 : 1;
  if (name == "pid") return comparison == Comparison::equal ? 0.01 : 1;
  if (name == "namespace") return comparison == Comparison::equal ? 0.3 : 1;
  if (name == "transport") return comparison == Comparison::equal ? 0.5 : 1;
  return 1;
}

void narrow(Wanted& wanted, std::string_view name, const Constraint& constraint) {
  if (is_instant_of_life(name)) return narrow_times(wanted, constraint);
  if (name == "remote_address") return narrow_addresses(wanted.remote, constraint);
  if (name == "local_address") return narrow_addresses(wanted.local, constraint);
  if (name == "remote_port") return narrow_ports(wanted.remote_ports, constraint);
  if (name == "local_port") return narrow_ports(wanted.local_ports, constraint);
  if (name == "program" || name == "exe") return narrow_texts(wanted.programs, constraint);
  if (name == "remote_name" || name == "name") return narrow_texts(wanted.names, constraint);
  if (name == "namespace") return narrow_texts(wanted.namespaces, constraint);
  if (name == "pid") return narrow_pids(wanted.pids, constraint);
  if (name == "transport") return narrow_transports(wanted.transports, constraint);
}

namespace {

/// A column that shows the name of the state in the field of that name.
bool shows_state(const EntityColumn<Socket>& column) {
  static const std::uint16_t kState = field_called<Socket>("state");
  return column.field == kState && column.column.name == "state";
}

/// That the state is the one called `cell`. One that no state is called lies nowhere.
std::optional<FieldTest> test_of_state(std::uint16_t field, const SqlCell& cell) {
  const auto* text = std::get_if<std::string>(&cell);
  if (text == nullptr || text->empty()) return std::nullopt;
  for (int number = 1; number <= UINT8_MAX; ++number)
    if (name(static_cast<TcpState>(number)) == *text)
      return FieldTest{.field = field, .zero_is_null = true, .least = number, .most = number};
  return FieldTest{.field = field, .least = 1, .most = 0};
}

bool is_plain_number(CellSource source) {
  return source == CellSource::number || source == CellSource::number_or_null ||
         source == CellSource::identifier;
}

}  // namespace

std::optional<FieldTest> test_of(const EntityColumn<Socket>& column, Comparison comparison,
                                 const SqlCell& cell) {
  if (shows_state(column))
    return comparison == Comparison::equal ? test_of_state(column.field, cell) : std::nullopt;
  const auto* value = std::get_if<std::int64_t>(&cell);
  const bool is_number = is_plain_number(column.source);
  if (value == nullptr || !is_number || comparison == Comparison::inside) return std::nullopt;
  // When a socket opened may only be known from an earlier session, once its row is put together.
  const FieldKind kind = fields_of<Socket>()[column.field].kind;
  if (kind == FieldKind::instant_us || kind == FieldKind::instant_ms) return std::nullopt;
  FieldTest test{.field = column.field,
                 .zero_is_null = column.source == CellSource::number_or_null,
                 .is_signed = column.source == CellSource::identifier,
                 .least = *value,
                 .most = *value};
  if (comparison == Comparison::less || comparison == Comparison::less_equal)
    test.least = INT64_MIN;
  if (comparison == Comparison::greater || comparison == Comparison::greater_equal)
    test.most = INT64_MAX;
  if (comparison == Comparison::less) {
    if (test.most == INT64_MIN) return std::nullopt;
    --test.most;
  }
  if (comparison == Comparison::greater) {
    if (test.least == INT64_MAX) return std::nullopt;
    ++test.least;
  }
  return test;
}

double selectivity_of(const EntityColumns<Socket>& columns, int column, Comparison comparison) {
  const double left = narrowing(columns.name_of(column), comparison);
  if (shows_state(columns.at(column))) return comparison == Comparison::equal ? 0.3 : 1;
  const bool is_number = is_plain_number(columns.at(column).source);
  if (left < 1 || !is_number || comparison == Comparison::inside) return left;
  return comparison == Comparison::equal ? 0.1 : 0.5;
}

namespace {

std::optional<FieldTest> test_of(const EntityColumns<Socket>& columns,
                                 const Constraint& constraint) {
  if (constraint.values.size() != 1) return std::nullopt;
  return test_of(columns.at(constraint.column), constraint.comparison, constraint.values.front());
}

/// True if only rows with a remote address are wanted.
bool has_remote_addresses(const Wanted& wanted) {
  return !wanted.remote.empty() &&
         std::none_of(wanted.remote.begin(), wanted.remote.end(),
                      [](const Prefix& prefix) { return prefix.address.is_zero(); });
}

}  // namespace

Result<Wanted> wanted_by(const EntityColumns<Socket>& columns, const Request& request) {
  Wanted wanted;
  for (const Constraint& constraint : request.constraints) {
    narrow(wanted, columns.name_of(constraint.column), constraint);
    const auto test = test_of(columns, constraint);
    if (test) wanted.tests.push_back(*test);
    if (constraint.is_final && !test)
      return failure(ErrorKind::invalid_argument, "a comparison changed after it was planned");
  }
  wanted.fields = columns.needed_by(request, has_remote_addresses(wanted));
  wanted.neighbours = request.neighbours;
  return wanted;
}

}  // namespace netrec
