// Which of the words there are somebody meant who wrote one there is not.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace netrec {

/// The candidate that takes the fewest single-character edits, if those are few; else "".
std::string most_similar(std::string_view word, std::span<const std::string> candidates);

}  // namespace netrec
