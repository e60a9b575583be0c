// Tells damage from soundness, a few bytes a column: 32 bits of a hash. They find accidents; the
// hash chain (store/chain.h) finds intent.
#pragma once

#include <cstdint>
#include <string_view>

namespace netrec {

/// Of SipHash-2-4.
std::uint32_t checksum(std::string_view bytes);
/// Of XXH3 (xxhash.com): the same for megabytes, five times as fast.
std::uint32_t fast_checksum(std::string_view bytes);

}  // namespace netrec
