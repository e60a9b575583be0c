// What can be asked about a socket by name: `process`, `pid`, `rtt_us`, `loopback`, … For
// query/filter_parser.cc alone.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "query/filter_node.h"

namespace netrec {

struct FilterKey {
  enum class Kind { text, number, flag };
  Kind kind = Kind::flag;
  TextSource text = nullptr;
  NumberSource number = nullptr;  ///< text keys: used instead if the value is a number
  FlagTest flag;
  std::size_t field = 0;
  std::uint32_t (*text_field)(const Socket&) = nullptr;
  std::bitset<128> reads;
  bool is_duration = false;  ///< the number is microseconds: "100ms" may be written
};

/// The key called `name` (upper or lower case, `-` as good as `_`), or nothing.
std::optional<FilterKey> filter_key(std::string_view name);

/// The key a typing error most likely meant, or "".
std::string similar_filter_key(std::string_view name);

/// The states called `name` by ss or netstat, or a group ("connected"), as bits; 0: there is none.
std::uint32_t states_called(std::string_view name);

/// "tcp", "udp6", "inet", … or nothing.
std::optional<TransportTest> transport_called(std::string_view name);

/// Index of a field of Socket by its name in SQL. REQUIRES: there is one.
std::size_t socket_field(std::string_view name);

}  // namespace netrec
