// Reads netlink's type-length-value attributes in place, never past their end: what is cut short
// ends the list, and a number longer than its attribute reads as 0.
//
// Refused: libmnl's mnl_attr_*, which are calls into a library for each of ten attributes of each
// of a hundred thousand sockets a tick.
#pragma once

#include <linux/netlink.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

namespace netrec {

using Bytes = std::span<const std::byte>;

/// A T copied from the beginning of `bytes`; what they are too short for is zero (an older kernel's
/// struct is a beginning of a newer one's).
template <class T>
T read_as(Bytes bytes) {
  static_assert(std::is_trivially_copyable_v<T>);
  T value{};
  std::memcpy(&value, bytes.data(), std::min(bytes.size(), sizeof(T)));
  return value;
}

inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The bytes before the first NUL, or all.
inline std::string_view as_c_string(Bytes bytes) {
  const std::string_view text = as_text(bytes);
  return text.substr(0, text.find('\0'));
}

struct Attribute {
  std::uint16_t type = 0;  ///< without NLA_F_NESTED and NLA_F_NET_BYTEORDER
  Bytes bytes;
};

/// Calls `visit(const Attribute&)` for each attribute; returns false if the list ends in the middle
/// of one.
template <class Visit>
bool for_each_attribute(Bytes list, Visit visit) {
  while (list.size() >= sizeof(nlattr)) {
    const auto header = read_as<nlattr>(list);
    if (header.nla_len < sizeof(nlattr) || header.nla_len > list.size()) return false;
    visit(Attribute{.type = static_cast<std::uint16_t>(header.nla_type & NLA_TYPE_MASK),
                    .bytes = list.subspan(sizeof(nlattr), header.nla_len - sizeof(nlattr))});
    list = list.subspan(std::min<std::size_t>(NLA_ALIGN(header.nla_len), list.size()));
  }
  return list.empty();
}

}  // namespace netrec
