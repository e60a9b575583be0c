// A filter as a tree. For query/filter*.cc alone.
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "schema/delta.h"
#include "store/history.h"

namespace netrec {

/// What a predicate is asked about.
struct FilterSubject {
  const Socket& socket;
  const Snapshot& names;
  std::uint32_t states;  ///< bit 1 << TcpState of each state it is, or was, in
};

enum class SocketEnd { local, remote, either };

struct StateTest {
  std::uint32_t states = 0;
};

struct AddressTest {
  SocketEnd end = SocketEnd::remote;
  std::optional<Prefix> prefix;    ///< none: any address
  std::optional<PortRange> ports;  ///< none: any port
};

struct TransportTest {
  Transport transport = Transport::unknown;  ///< unknown: any
  Family family = Family::none;              ///< none: any
};

/// Text that a socket has none, one or several of, asked one after the other until one fits.
using TextSource = bool (*)(const FilterSubject& subject, const struct TextTest& test);

struct TextTest {
  TextSource source = nullptr;
  std::string pattern;
  bool contains = false;  ///< `~`: the pattern occurs in it, upper or lower case
  std::uint32_t (*field)(const Socket&) = nullptr;  ///< for sources that read any Text field

  bool fits(std::string_view text) const;
};

enum class Comparison { equal, less, less_or_equal, greater, greater_or_equal };

using NumberSource = bool (*)(const FilterSubject& subject, const struct NumberTest& test);

struct NumberTest {
  NumberSource source = nullptr;
  Comparison comparison = Comparison::equal;
  std::uint64_t value = 0;
  std::size_t field = 0;  ///< for the source that reads any field: its index

  bool fits(std::uint64_t number) const;
};

struct FlagTest {
  bool (*holds)(const FilterSubject& subject) = nullptr;
};

using FilterTest =
    std::variant<StateTest, AddressTest, TransportTest, TextTest, NumberTest, FlagTest>;

struct FilterNode {
  enum class Kind { all_of, any_of, none_of, test };

  Kind kind = Kind::all_of;
  std::vector<FilterNode> children;  ///< none_of: one
  FilterTest test;                   ///< Kind::test
  std::bitset<128> fields;           ///< Kind::test: what it reads
};

}  // namespace netrec
