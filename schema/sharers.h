// What Socket::sharers says: "12:5,13:5", the Process id and the descriptor of each holder of a
// socket that has more than one.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace netrec {

/// The Process ids in `text`, which a file may have from anywhere: what is not one is passed over.
std::vector<std::uint32_t> sharers_in(std::string_view text);

}  // namespace netrec
