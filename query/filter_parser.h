// Recursive descent over the words of a filter. For query/filter.cc alone.
#pragma once

#include <string_view>

#include "query/filter_keys.h"
#include "query/filter_node.h"
#include "query/filter_words.h"

namespace netrec {

class FilterParser {
 public:
  /// Errors: invalid_argument, pointing at the character.
  static Result<FilterNode> parse(std::string_view text);

 private:
  FilterParser(std::string_view text, std::vector<FilterWord> words)
      : text_(text), words_(std::move(words)) {}

  std::string_view text_;
  std::vector<FilterWord> words_;
  std::size_t place_ = 0;
  int depth_ = 0;

  const FilterWord& here() const { return words_[place_]; }
  /// True, and steps over it, if the word here is one of these (unquoted).
  bool accept(std::initializer_list<std::string_view> any_of);
  bool at_term_end() const;
  tl::unexpected<Error> wanted(std::string_view message, std::string_view expected) const;
  /// The same, pointing `offset` bytes into the word here.
  tl::unexpected<Error> wanted_in_word(std::size_t offset, std::string_view message,
                                       std::string_view expected) const;

  Result<FilterNode> expression();
  Result<FilterNode> term();
  Result<FilterNode> factor();
  Result<FilterNode> predicate();
  Result<FilterNode> state_list(bool excluded);
  Result<FilterNode> address(SocketEnd end);
  Result<FilterNode> port(SocketEnd end);
  Result<FilterNode> transport();
  Result<FilterNode> key(const FilterKey& key, std::string_view name);
  Result<FilterNode> text_test(const FilterKey& key, std::string_view operation);
  Result<FilterNode> number_test(const FilterKey& key, std::string_view operation);

  /// "=", "!=", "<", "<=", ">", ">=", "~", "!~", whatever way it was written; "=" if there is none.
  std::string_view operation();
  Result<std::string> value(std::string_view what);
  Result<PortRange> port_range(std::string_view text, std::size_t offset);
  Result<std::uint64_t> number(std::string_view text, bool is_duration);
};

}  // namespace netrec
