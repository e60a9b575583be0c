#include "query/filter.h"

#include <algorithm>

#include "query/filter_node.h"
#include "query/filter_parser.h"
#include "query/wildcards.h"

namespace netrec {

namespace {

using Kind = FilterNode::Kind;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool has_ports(const Socket& socket) {
  return socket.family == Family::inet || socket.family == Family::inet6;
}

bool end_fits(const AddressTest& test, const Socket& socket, SocketEnd end) {
  const bool local = end == SocketEnd::local;
  const std::uint16_t port = local ? socket.local_port : socket.remote_port;
  if (test.ports && (port < test.ports->first || port > test.ports->last)) return false;
  return !test.prefix || test.prefix->contains(local ? socket.local : socket.remote, socket.family);
}

struct Holds {
  const FilterSubject& subject;

  bool operator()(const StateTest& test) const { return (test.states & subject.states) != 0; }
  bool operator()(const AddressTest& test) const {
    const Socket& socket = subject.socket;
    if (!has_ports(socket)) return false;
    return (test.end != SocketEnd::remote && end_fits(test, socket, SocketEnd::local)) ||
           (test.end != SocketEnd::local && end_fits(test, socket, SocketEnd::remote));
  }
  bool operator()(const TransportTest& test) const {
    const Socket& socket = subject.socket;
    return (test.transport == Transport::unknown || test.transport == socket.transport) &&
           (test.family == Family::none || test.family == socket.family);
  }
  bool operator()(const TextTest& test) const { return test.source(subject, test); }
  bool operator()(const NumberTest& test) const { return test.source(subject, test); }
  bool operator()(const FlagTest& test) const { return test.holds(subject); }
};

bool holds(const FilterNode& node, const FilterSubject& subject) {
  const auto child_holds = [&](const FilterNode& child) { return holds(child, subject); };
  switch (node.kind) {
    case Kind::all_of:
      return std::all_of(node.children.begin(), node.children.end(), child_holds);
    case Kind::any_of:
      return std::any_of(node.children.begin(), node.children.end(), child_holds);
    case Kind::none_of:
      return std::none_of(node.children.begin(), node.children.end(), child_holds);
    case Kind::test:
      return std::visit(Holds{subject}, node.test);
  }
  return false;
}

std::bitset<128> fields_read(const FilterNode& node) {
  std::bitset<128> fields = node.fields;
  for (const FilterNode& child : node.children) fields |= fields_read(child);
  return fields;
}

// --- what can be left out when reading history ---------------------------------------------------

/// Only the lists are used. An empty list lets everything through.
Wanted hints_of(const FilterNode& node);

/// Rows must pass both: either list is right, the shorter is better.
template <class T>
void intersect(std::vector<T>& list, std::vector<T>& other) {
  if (list.empty() || (!other.empty() && other.size() < list.size())) list = std::move(other);
}

/// Rows may pass either: only what both restrict stays restricted.
template <class T>
void unite(std::vector<T>& list, const std::vector<T>& other) {
  constexpr std::size_t kMost = 256;
  if (list.empty() || other.empty() || list.size() + other.size() > kMost)
    list.clear();
  else
    list.insert(list.end(), other.begin(), other.end());
}

template <class Combine>
void combine(Wanted& hints, Wanted& other, Combine with) {
  with(hints.remote, other.remote);
  with(hints.local, other.local);
  with(hints.remote_ports, other.remote_ports);
  with(hints.local_ports, other.local_ports);
  with(hints.transports, other.transports);
}

Wanted hints_of_test(const FilterTest& test) {
  Wanted hints;
  if (const auto* address = std::get_if<AddressTest>(&test)) {
    const bool remote = address->end == SocketEnd::remote;
    if (address->end == SocketEnd::either) return hints;
    if (address->prefix) (remote ? hints.remote : hints.local).push_back(*address->prefix);
    if (address->ports)
      (remote ? hints.remote_ports : hints.local_ports).push_back(*address->ports);
  } else if (const auto* transport = std::get_if<TransportTest>(&test)) {
    if (transport->transport != Transport::unknown)
      hints.transports.push_back(transport->transport);
  }
  return hints;
}

Wanted hints_of(const FilterNode& node) {
  Wanted hints;
  if (node.kind == Kind::test) return hints_of_test(node.test);
  if (node.kind == Kind::none_of) return hints;
  for (std::size_t i = 0; i < node.children.size(); ++i) {
    Wanted other = hints_of(node.children[i]);
    if (i == 0)
      hints = std::move(other);
    else if (node.kind == Kind::all_of)
      combine(hints, other, [](auto& a, auto& b) { intersect(a, b); });
    else
      combine(hints, other, [](auto& a, auto& b) { unite(a, b); });
  }
  return hints;
}

std::uint32_t bit(TcpState state) {
  const auto number = static_cast<unsigned>(state);
  return number < 32 ? 1u << number : 0u;
}

}  // namespace

bool TextTest::fits(std::string_view text) const {
  if (contains) {
    const auto same = [](char a, char b) { return lower(a) == lower(b); };
    return std::search(text.begin(), text.end(), pattern.begin(), pattern.end(), same) !=
           text.end();
  }
  return wildcards_match(pattern, text);
}

bool NumberTest::fits(std::uint64_t number) const {
  switch (comparison) {
    case Comparison::equal:
      return number == value;
    case Comparison::less:
      return number < value;
    case Comparison::less_or_equal:
      return number <= value;
    case Comparison::greater:
      return number > value;
    case Comparison::greater_or_equal:
      return number >= value;
  }
  return false;
}

Filter::Filter() : root_(std::make_shared<FilterNode>()) {}
Filter::Filter(const Filter&) = default;
Filter& Filter::operator=(const Filter&) = default;
Filter::Filter(Filter&&) noexcept = default;
Filter& Filter::operator=(Filter&&) noexcept = default;
Filter::~Filter() = default;

Result<Filter> Filter::parse(std::string_view text) {
  NETREC_TRY(root, FilterParser::parse(text));
  Filter filter;
  filter.root_ = std::make_shared<const FilterNode>(std::move(root));
  return filter;
}

Result<Filter> Filter::parse(const std::vector<std::string>& words) {
  return parse(fmt::format("{}", fmt::join(words, " ")));
}

bool Filter::matches(const Socket& socket, const Snapshot& names) const {
  return holds(*root_, {socket, names, bit(socket.state)});
}

bool Filter::matches(const Connection& connection, const Snapshot& names) const {
  std::uint32_t states = bit(connection.socket.state);
  for (const Transition& transition : connection.transitions) states |= bit(transition.state);
  return holds(*root_, {connection.socket, names, states});
}

bool Filter::matches_everything() const {
  return root_->kind == Kind::all_of && root_->children.empty();
}

void Filter::narrow(Wanted& wanted) const {
  Wanted hints = hints_of(*root_);
  combine(wanted, hints, [](auto& a, auto& b) { intersect(a, b); });
}

std::bitset<128> Filter::fields() const { return fields_read(*root_); }

}  // namespace netrec
