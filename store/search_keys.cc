#include "store/search_keys.h"

#include <algorithm>

#include "store/bytes.h"
#include "store/checksum.h"
#include "store/key_filter.h"

namespace netrec {

namespace {

constexpr std::uint64_t kMostKey = (std::uint64_t{1} << kSearchKeyBits) - 1;
// Of more, nearly every chunk would have nearly all.
constexpr std::size_t kMostListed = 1 << 16;

bool is_number(KeyKind kind) {
  return kind == KeyKind::remote_port || kind == KeyKind::local_port || kind == KeyKind::pid;
}

bool holds(const ShortKeys::List& list, std::uint32_t key) {
  return list.holds_anything || std::binary_search(list.keys.begin(), list.keys.end(), key);
}

}  // namespace

std::uint32_t search_key(KeyKind kind, std::uint64_t key) {
  if (is_number(kind) && key <= kMostKey) return static_cast<std::uint32_t>(key);
  return static_cast<std::uint32_t>(mix_key(key) >> (64 - kSearchKeyBits));
}

ShortKeys ShortKeys::from(const SearchKeys& keys) {
  ShortKeys made;
  for (std::size_t kind = 0; kind < kKeyKinds; ++kind) {
    List& list = made.of[kind];
    list.holds_anything = keys.of[kind].size() > kMostListed;
    if (list.holds_anything) continue;
    list.keys.reserve(keys.of[kind].size());
    for (const std::uint64_t key : keys.of[kind])
      list.keys.push_back(search_key(static_cast<KeyKind>(kind), key));
    std::sort(list.keys.begin(), list.keys.end());
    list.keys.erase(std::unique(list.keys.begin(), list.keys.end()), list.keys.end());
  }
  return made;
}

std::string SearchKeys::encode() const {
  std::string out;
  for (const ShortKeys::List& list : ShortKeys::from(*this).of) {
    out.push_back(list.holds_anything ? 1 : 0);
    if (list.holds_anything) continue;
    put_varint(out, list.keys.size());
    std::uint32_t next = 0;
    for (const std::uint32_t key : list.keys) {
      put_varint(out, key - next);
      next = key + 1;
    }
  }
  put_fixed32(out, checksum(out));
  return out;
}

Result<ShortKeys> ShortKeys::decode(std::string_view bytes) {
  if (bytes.size() < 4) return failure(ErrorKind::corrupt, "the keys of a chunk are cut off");
  if (ByteReader(bytes.substr(bytes.size() - 4)).fixed32() !=
      checksum(bytes.substr(0, bytes.size() - 4)))
    return failure(ErrorKind::corrupt, "the keys of a chunk do not match their checksum");
  ByteReader in(bytes.substr(0, bytes.size() - 4));
  ShortKeys keys;
  for (List& list : keys.of) {
    const std::uint8_t form = in.byte();
    if (form > 1) in.fail();
    list.holds_anything = form == 1;
    const std::uint64_t count =
        form == 0 ? in.varint_up_to(std::min(in.remaining(), kMostListed)) : 0;
    std::uint64_t next = 0;
    for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
      next += in.varint_up_to(kMostKey);
      if (next > kMostKey) in.fail();
      list.keys.push_back(static_cast<std::uint32_t>(next++));
    }
  }
  if (!in.at_end()) return failure(ErrorKind::corrupt, "the keys of a chunk are not keys");
  return keys;
}

bool ShortKeys::may_hold(const WantedKeys& wanted) const {
  return std::all_of(wanted.begin(), wanted.end(), [&](const std::vector<WantedKey>& clause) {
    return std::any_of(clause.begin(), clause.end(), [&](const WantedKey& one) {
      return holds(of[static_cast<std::size_t>(one.kind)], one.key);
    });
  });
}

}  // namespace netrec
