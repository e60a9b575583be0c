#include "query/filter_words.h"

#include "query/pointed_error.h"

namespace netrec {

namespace {

constexpr std::string_view kBlanks = " \t\r\n";
constexpr std::string_view kEndsWord = " \t\r\n()=<>!&|~'\"";
// The longer of two that begin alike comes first.
constexpr std::string_view kSymbols[] = {
    "(", ")", "==", "=", "!=", "!~", "!", "<=", "<", ">=", ">", "~", "&&", "&", "||", "|"};

std::string_view symbol_at(std::string_view rest) {
  for (const std::string_view symbol : kSymbols)
    if (rest.substr(0, symbol.size()) == symbol) return symbol;
  return {};
}

}  // namespace

Result<std::vector<FilterWord>> filter_words(std::string_view text) {
  std::vector<FilterWord> words;
  std::size_t place = 0;
  while ((place = text.find_first_not_of(kBlanks, place)) != std::string_view::npos) {
    const char first = text[place];
    if (first == '\'' || first == '"') {
      const std::size_t close = text.find(first, place + 1);
      if (close == std::string_view::npos)
        return tl::unexpected(pointed_error("a quote is not closed", text, place,
                                            fmt::format("another {} further on", first)));
      words.push_back({FilterWord::Kind::quoted,
                       std::string(text.substr(place + 1, close - place - 1)), place});
      place = close + 1;
    } else if (const auto symbol = symbol_at(text.substr(place)); !symbol.empty()) {
      words.push_back({FilterWord::Kind::symbol, std::string(symbol), place});
      place += symbol.size();
    } else {
      const std::size_t end = std::min(text.find_first_of(kEndsWord, place), text.size());
      words.push_back(
          {FilterWord::Kind::word, std::string(text.substr(place, end - place)), place});
      place = end;
    }
  }
  words.push_back({FilterWord::Kind::end, "", text.size()});
  return words;
}

}  // namespace netrec
