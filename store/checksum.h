// Tells damage from soundness, a few bytes a column: 32 bits of SipHash. It finds accidents; the
// hash chain (store/chain.h) finds intent.
#pragma once

#include <cstdint>
#include <string_view>

namespace netrec {

std::uint32_t checksum(std::string_view bytes);

}  // namespace netrec
