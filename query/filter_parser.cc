#include "query/filter_parser.h"

#include <charconv>

#include "query/names.h"
#include "query/pointed_error.h"
#include "query/time_spec.h"

namespace netrec {

namespace {

using Kind = FilterNode::Kind;

constexpr int kDeepest = 100;  // of parentheses and nots: the tree is walked recursively
constexpr std::string_view kPredicates =
    "state, src, dst, sport, dport, process, pid, user, … (netrec help filter)";

FilterNode test_node(FilterTest test, std::bitset<128> fields) {
  FilterNode node;
  node.kind = Kind::test;
  node.test = std::move(test);
  node.fields = fields;
  return node;
}

FilterNode none_of(FilterNode child) {
  FilterNode node;
  node.kind = Kind::none_of;
  node.children.push_back(std::move(child));
  return node;
}

FilterNode negated_if(bool negated, FilterNode node) {
  return negated ? none_of(std::move(node)) : std::move(node);
}

/// A node of `children`, or the only one of them.
FilterNode group(Kind kind, std::vector<FilterNode> children) {
  if (children.size() == 1) return std::move(children.front());
  FilterNode node;
  node.kind = kind;
  node.children = std::move(children);
  return node;
}

StateTest* state_test(FilterNode& node) {
  return node.kind == Kind::test ? std::get_if<StateTest>(&node.test) : nullptr;
}

bool is_keyword(const FilterWord& word, std::string_view text) {
  return word.kind != FilterWord::Kind::quoted && word.text == text;
}

std::bitset<128> fields_of_end(SocketEnd end, bool address, bool port) {
  std::bitset<128> fields;
  fields.set(socket_field("family"));
  const auto add = [&](std::string_view which) {
    const std::string name(which);
    if (address) fields.set(socket_field(name + "_high")).set(socket_field(name + "_low"));
    if (port) fields.set(socket_field(name + "_port"));
  };
  if (end != SocketEnd::remote) add("local");
  if (end != SocketEnd::local) add("remote");
  return fields;
}

}  // namespace

Result<FilterNode> FilterParser::parse(std::string_view text) {
  NETREC_TRY(words, filter_words(text));
  FilterParser parser(text, std::move(words));
  if (parser.here().kind == FilterWord::Kind::end) return FilterNode{};
  NETREC_TRY(root, parser.expression());
  if (parser.here().kind != FilterWord::Kind::end)
    return parser.wanted("a parenthesis was never opened", "nothing more, or a '(' before");
  return root;
}

bool FilterParser::accept(std::initializer_list<std::string_view> any_of) {
  for (const std::string_view text : any_of) {
    if (!is_keyword(here(), text) || here().kind == FilterWord::Kind::end) continue;
    ++place_;
    return true;
  }
  return false;
}

bool FilterParser::at_term_end() const {
  return here().kind == FilterWord::Kind::end || is_keyword(here(), ")") ||
         is_keyword(here(), "or") || is_keyword(here(), "|") || is_keyword(here(), "||");
}

tl::unexpected<Error> FilterParser::wanted(std::string_view message,
                                           std::string_view expected) const {
  return wanted_in_word(0, message, expected);
}

tl::unexpected<Error> FilterParser::wanted_in_word(std::size_t offset, std::string_view message,
                                                   std::string_view expected) const {
  const std::size_t quote = here().kind == FilterWord::Kind::quoted ? 1 : 0;
  return tl::unexpected(pointed_error(fmt::format("cannot read this filter: {}", message), text_,
                                      here().begin + (offset > 0 ? offset + quote : 0), expected));
}

Result<FilterNode> FilterParser::expression() {
  std::vector<FilterNode> terms;
  do {
    NETREC_TRY(next, term());
    terms.push_back(std::move(next));
  } while (accept({"or", "|", "||"}));
  return group(Kind::any_of, std::move(terms));
}

Result<FilterNode> FilterParser::term() {
  std::vector<FilterNode> factors;
  bool side_by_side = false;
  do {
    NETREC_TRY(next, factor());
    // As with ss, "state a state b" is either; a socket is never in two.
    StateTest* before = side_by_side ? state_test(factors.back()) : nullptr;
    const StateTest* now = state_test(next);
    if (before != nullptr && now != nullptr)
      before->states |= now->states;
    else
      factors.push_back(std::move(next));
    side_by_side = !accept({"and", "&", "&&"});
  } while (!side_by_side || !at_term_end());
  return group(Kind::all_of, std::move(factors));
}

Result<FilterNode> FilterParser::factor() {
  if (depth_ >= kDeepest) return wanted("it is nested too deeply", "less than a hundred levels");
  if (accept({"not", "!"})) {
    ++depth_;
    NETREC_TRY(child, factor());
    --depth_;
    return none_of(std::move(child));
  }
  const std::size_t opened = place_;
  if (accept({"("})) {
    ++depth_;
    NETREC_TRY(inner, expression());
    --depth_;
    if (accept({")"})) return inner;
    place_ = opened;
    return wanted("this parenthesis is not closed", "a ')' further on");
  }
  return predicate();
}

Result<FilterNode> FilterParser::predicate() {
  if (here().kind != FilterWord::Kind::word)
    return wanted("something is missing here", kPredicates);
  if (accept({"state"})) return state_list(false);
  if (accept({"exclude"})) return state_list(true);
  if (accept({"src"})) return address(SocketEnd::local);
  if (accept({"dst"})) return address(SocketEnd::remote);
  if (accept({"addr"})) return address(SocketEnd::either);
  if (accept({"sport"})) return port(SocketEnd::local);
  if (accept({"dport"})) return port(SocketEnd::remote);
  if (accept({"port"})) return port(SocketEnd::either);
  if (accept({"proto", "family"})) return transport();
  const std::string name = here().text;
  if (const auto test = transport_called(name)) {
    ++place_;
    const std::bitset<128> fields =
        std::bitset<128>().set(socket_field("transport")).set(socket_field("family"));
    return test_node(*test, fields);
  }
  if (const auto found = filter_key(name)) {
    ++place_;
    return key(*found, name);
  }
  const std::string meant = similar_filter_key(name);
  return wanted("there is nothing of this name to ask for",
                meant.empty() ? std::string(kPredicates) : fmt::format("'{}', perhaps", meant));
}

Result<FilterNode> FilterParser::state_list(bool excluded) {
  const bool negated = operation() == "!=";
  if (here().kind == FilterWord::Kind::end) return wanted("a state is missing", "established, …");
  StateTest test;
  std::size_t begin = 0;
  while (true) {
    const std::string_view all = here().text;
    const std::size_t comma = std::min(all.find(',', begin), all.size());
    const std::uint32_t states = states_called(all.substr(begin, comma - begin));
    if (states == 0)
      return wanted_in_word(begin, "there is no such state",
                            "established, syn-sent, syn-recv, fin-wait-1, fin-wait-2, time-wait, "
                            "closed, close-wait, last-ack, listening, closing, or connected, "
                            "synchronized, bucket, big, all");
    test.states |= states;
    if (comma == all.size()) break;
    begin = comma + 1;
  }
  ++place_;
  return negated_if(excluded != negated,
                    test_node(test, std::bitset<128>().set(socket_field("state"))));
}

Result<FilterNode> FilterParser::address(SocketEnd end) {
  const std::string_view how = operation();
  if (how != "=" && how != "!=")
    return wanted("an address is equal or is not", "= or != before it");
  if (here().kind == FilterWord::Kind::end)
    return wanted("an address is missing", "192.0.2.1, 10.0.0.0/8, [2001:db8::1]:443, …");
  const std::string& text = here().text;
  if (text.starts_with("unix:")) {
    TextTest path;
    const auto found = filter_key("path");
    path.source = found->text;
    path.field = found->text_field;
    path.pattern = text.substr(5);
    ++place_;
    return negated_if(how == "!=", test_node(path, found->reads));
  }
  // Where the port begins: behind the bracket, or at the only colon.
  const std::size_t bracket = text.starts_with('[') ? std::min(text.find(']'), text.size()) : 0;
  std::size_t colon = text.find(':', bracket);
  if (bracket == 0 && colon != text.rfind(':')) colon = std::string::npos;
  std::string host = text.substr(0, colon);
  AddressTest test;
  test.end = end;
  if (colon != std::string::npos && text.substr(colon) != ":*") {
    NETREC_TRY(ports, port_range(std::string_view(text).substr(colon + 1), colon + 1));
    test.ports = ports;
  }
  if (host != "*" && !(host.empty() && test.ports)) {
    // ss writes the prefix inside the brackets, others behind them.
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    const auto prefix = parse_prefix(host);
    if (!prefix)
      return wanted(prefix.error().message,
                    "an address: 192.0.2.1, 10.0.0.0/8, [2001:db8::1]:443 ('name' asks for names)");
    test.prefix = *prefix;
  }
  ++place_;
  return negated_if(how == "!=", test_node(test, fields_of_end(end, true, test.ports.has_value())));
}

Result<PortRange> FilterParser::port_range(std::string_view text, std::size_t offset) {
  const auto one = [](std::string_view word) -> std::optional<std::uint16_t> {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), port);
    if (error == std::errc{} && end == word.data() + word.size()) return port;
    port = service_port(word);
    return port == 0 ? std::nullopt : std::optional(port);
  };
  if (const auto port = one(text)) return PortRange{*port, *port};
  if (const std::size_t dash = text.find('-'); dash != std::string_view::npos) {
    const auto first = one(text.substr(0, dash));
    const auto last = one(text.substr(dash + 1));
    if (first && last && *first <= *last) return PortRange{*first, *last};
  }
  return wanted_in_word(offset, "this is not a port",
                        "a number 0 to 65535, a range 8000-8999 or the name of a service");
}

Result<FilterNode> FilterParser::port(SocketEnd end) {
  const std::string_view how = operation();
  if (how == "~" || how == "!~") return wanted("a port is a number", "= != < <= > or >= before it");
  if (here().kind == FilterWord::Kind::end)
    return wanted("a port is missing", ":443, https or 8000-8999");
  const std::string_view text = here().text;
  const std::size_t colon = text.starts_with(':') ? 1 : 0;
  NETREC_TRY(range, port_range(text.substr(colon), colon));
  AddressTest test;
  test.end = end;
  // What a comparison leaves of 0 to 65535; nothing is a range that ends before it begins.
  if (how == "<") {
    range = range.first == 0 ? PortRange{1, 0}
                             : PortRange{0, static_cast<std::uint16_t>(range.first - 1)};
  } else if (how == "<=") {
    range = {0, range.last};
  } else if (how == ">") {
    range = range.last == 65535 ? PortRange{1, 0}
                                : PortRange{static_cast<std::uint16_t>(range.last + 1), 65535};
  } else if (how == ">=") {
    range = {range.first, 65535};
  }
  test.ports = range;
  ++place_;
  return negated_if(how == "!=", test_node(test, fields_of_end(end, false, true)));
}

Result<FilterNode> FilterParser::transport() {
  const std::string_view how = operation();
  const auto test = transport_called(here().text);
  if (!test || (how != "=" && how != "!="))
    return wanted("this is not a protocol",
                  "tcp, udp, udplite, raw, icmp, unix, packet, mptcp, sctp, vsock, dccp, one of "
                  "these with 4 or 6 behind it, inet or inet6");
  ++place_;
  const std::bitset<128> fields =
      std::bitset<128>().set(socket_field("transport")).set(socket_field("family"));
  return negated_if(how == "!=", test_node(*test, fields));
}

std::string_view FilterParser::operation() {
  if (accept({"=", "==", "eq"})) return "=";
  if (accept({"!=", "ne", "neq"})) return "!=";
  if (accept({"<=", "le", "leq"})) return "<=";
  if (accept({">=", "ge", "geq"})) return ">=";
  if (accept({"<", "lt"})) return "<";
  if (accept({">", "gt"})) return ">";
  if (accept({"~"})) return "~";
  if (accept({"!~"})) return "!~";
  return "=";
}

Result<std::string> FilterParser::value(std::string_view what) {
  const bool is_value =
      here().kind == FilterWord::Kind::word || here().kind == FilterWord::Kind::quoted;
  if (!is_value) return wanted(fmt::format("{} is compared with nothing", what), "a value");
  return here().text;
}

Result<FilterNode> FilterParser::key(const FilterKey& key, std::string_view name) {
  if (key.kind == FilterKey::Kind::flag) return test_node(key.flag, key.reads);
  const std::string_view how = operation();
  NETREC_TRY(text, value(name));
  const bool looks_like_number = text.find_first_not_of("0123456789") == std::string::npos;
  const bool as_number =
      key.kind == FilterKey::Kind::number || (key.number != nullptr && looks_like_number);
  return as_number ? number_test(key, how) : text_test(key, how);
}

Result<FilterNode> FilterParser::text_test(const FilterKey& key, std::string_view operation) {
  if (operation.front() == '<' || operation.front() == '>')
    return wanted("this is text, not a number", "=, != or ~ before it");
  TextTest test;
  test.source = key.text;
  test.field = key.text_field;
  test.pattern = here().text;
  test.contains = operation.back() == '~';
  ++place_;
  return negated_if(operation.front() == '!', test_node(std::move(test), key.reads));
}

Result<FilterNode> FilterParser::number_test(const FilterKey& key, std::string_view operation) {
  if (operation.back() == '~') return wanted("this is a number", "= != < <= > or >= before it");
  NETREC_TRY(wanted_value, number(here().text, key.is_duration));
  NumberTest test;
  test.source = key.number;
  test.field = key.field;
  test.value = wanted_value;
  if (operation == "<") test.comparison = Comparison::less;
  if (operation == "<=") test.comparison = Comparison::less_or_equal;
  if (operation == ">") test.comparison = Comparison::greater;
  if (operation == ">=") test.comparison = Comparison::greater_or_equal;
  ++place_;
  return negated_if(operation == "!=", test_node(test, key.reads));
}

Result<std::uint64_t> FilterParser::number(std::string_view text, bool is_duration) {
  std::uint64_t value = 0;
  const bool hexadecimal = text.starts_with("0x");
  const char* begin = text.data() + (hexadecimal ? 2 : 0);
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(begin, end, value, hexadecimal ? 16 : 10);
  if (error == std::errc{} && stop == end) return value;
  if (is_duration) {
    if (const auto duration = parse_duration(text))
      return static_cast<std::uint64_t>(duration->count());
    return wanted("this is not a duration", "250ms, 2s, or a number of microseconds");
  }
  constexpr std::string_view kSuffixes = "kmgt";  // powers of 1024, as tables show bytes
  if (error == std::errc{} && stop + 1 == end) {
    const auto place = kSuffixes.find(static_cast<char>(*stop | 0x20));
    const std::uint64_t factor = std::uint64_t{1} << (10 * (place + 1) % 64);
    if (place != std::string_view::npos && value <= ~std::uint64_t{0} / factor)
      return value * factor;
  }
  return wanted("this is not a number", "a number, as it is or with k, M, G or T behind it");
}

}  // namespace netrec
