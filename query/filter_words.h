// Cuts a filter into words, each knowing where it stood. For query/filter_parser.cc alone.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "schema/result.h"

namespace netrec {

struct FilterWord {
  enum class Kind { word, quoted, symbol, end };
  Kind kind = Kind::end;
  std::string text;  ///< without quotes; symbols: "(", "==", "&&", …
  std::size_t begin = 0;
};

/// The last is always `end`. Errors: invalid_argument (a quote that is not closed).
Result<std::vector<FilterWord>> filter_words(std::string_view text);

}  // namespace netrec
