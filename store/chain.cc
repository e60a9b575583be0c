#include "store/chain.h"

#include <sodium.h>

#include <cstring>

#include "store/bytes.h"

namespace netrec {

static_assert(sizeof(ChainHash::bytes) == crypto_generichash_BYTES);

Result<ChainHash> chain_hash(std::string_view bytes) {
  ChainHash hash;
  if (bytes.size() != hash.bytes.size())
    return failure(ErrorKind::corrupt, "a hash of {} bytes", bytes.size());
  std::memcpy(hash.bytes.data(), bytes.data(), bytes.size());
  return hash;
}

std::string to_hex(const ChainHash& hash) {
  std::string text;
  for (const unsigned char byte : hash.bytes) text += fmt::format("{:02x}", byte);
  return text;
}

ChainHash next_hash(const ChainHash& before, const FrameHeader& header,
                    std::string_view canonical) {
  std::string front(before.view());
  front.push_back(static_cast<char>(header.kind));
  front.push_back(header.begins_session ? 1 : 0);
  put_fixed64(front, header.sequence);
  put_fixed64(front, static_cast<std::uint64_t>(header.wall.time_since_epoch().count()));
  put_fixed64(front, static_cast<std::uint64_t>(header.boot.count()));

  const auto bytes_of = [](std::string_view view) {
    return reinterpret_cast<const unsigned char*>(view.data());
  };
  static const bool ready = sodium_init() >= 0;
  NETREC_CHECK(ready, "libsodium does not start");
  ChainHash after;
  crypto_generichash_state state;
  crypto_generichash_init(&state, nullptr, 0, after.bytes.size());
  crypto_generichash_update(&state, bytes_of(front), front.size());
  crypto_generichash_update(&state, bytes_of(canonical), canonical.size());
  crypto_generichash_final(&state, after.bytes.data(), after.bytes.size());
  return after;
}

}  // namespace netrec
