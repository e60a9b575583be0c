// One value of an answer before anybody decided how it looks: what commands hand to an Output.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace netrec {

struct Value {
  using List = std::vector<Value>;
  using Members = std::vector<std::pair<std::string, Value>>;

  /// Nothing: an empty cell, null in JSON. Strings are bytes of the file, not escaped yet.
  std::variant<std::monostate, bool, std::uint64_t, std::int64_t, double, std::string, List,
               Members>
      of;

  // Out of line: inlined, g++ 12 sees uninitialized members of a variant everywhere.
  Value();
  Value(const Value& other);
  Value(Value&& other) noexcept;
  Value& operator=(const Value& other);
  Value& operator=(Value&& other) noexcept;
  ~Value();

  Value(bool truth) : of(truth) {}
  template <std::unsigned_integral T>
  requires(!std::same_as<T, bool>) Value(T number) : of(std::uint64_t{number}) {}
  template <std::signed_integral T>
  Value(T number) : of(std::int64_t{number}) {}
  Value(double number) : of(number) {}
  Value(std::string text) : of(std::move(text)) {}
  Value(std::string_view text) : of(std::string(text)) {}
  Value(const char* text) : of(std::string(text)) {}
  Value(List list);
  Value(Members members);

  bool is_nothing() const { return std::holds_alternative<std::monostate>(of); }
};

/// How a cell stands out on a terminal with colours.
enum class Style { plain, dim, strong, good, warning, bad, accent };

/// A value in its column.
struct Cell {
  Value value;
  Style style = Style::plain;

  Cell() = default;
  template <class T>
  // NOLINTNEXTLINE(bugprone-forwarding-reference-overload): a Cell is no Value
  requires std::constructible_from<Value, T> Cell(T&& what, Style how = Style::plain)
      : value(std::forward<T>(what)), style(how) {}
};

using Row = std::vector<Cell>;

}  // namespace netrec
