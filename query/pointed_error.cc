#include "query/pointed_error.h"

#include <algorithm>
#include <string>

#include "query/escape.h"
#include "query/human.h"

namespace netrec {

Error pointed_error(std::string_view message, std::string_view text, std::size_t position,
                    std::string_view expected) {
  const std::string before = escape(text.substr(0, std::min(position, text.size())));
  const std::string indent(display_width(before), ' ');
  return {ErrorKind::invalid_argument,
          fmt::format("{}\n  {}\n  {}^ expected {}", message, escape(text), indent, expected)};
}

}  // namespace netrec
