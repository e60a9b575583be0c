// What a socket's error is called.
#pragma once

#include <cstdint>
#include <string>

namespace netrec {

/// Why a connection failed or broke, by its Linux errno value: "refused", "reset", "timed out",
/// "no route", …; "" for 0.
std::string error_text(std::uint32_t error);

}  // namespace netrec
