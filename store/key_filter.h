// A small set that may say "perhaps" where it should say "no": in the header of a chunk, so that a
// search for one address unpacks only the chunks that can hold it.
//
//   filter  = 0x00                                        holds nothing
//           | 0x01 count:varint count * step:varint       32-bit hashes, ascending
//           | 0x02 seed:varint block:varint 3 * block * byte   xor filter
//           | 0x03                                        holds anything
//
// An xor filter (Graf and Lemire, 2020) takes 9.8 bits a key and is wrong once in 256; a Bloom
// filter as rarely wrong takes 11.5. Refused: a binary fuse filter (9 bits; its construction has
// more cases than the 8 % of a filter is worth).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "store/bytes.h"

namespace netrec {

/// The finaliser of MurmurHash3: every bit of the key reaches every bit of the hash.
std::uint64_t mix_key(std::uint64_t key);

class KeyFilter {
 public:
  /// Of `keys`, in any order, twice or once. More than `most` distinct ones are not worth their
  /// bytes: the filter then holds anything.
  static KeyFilter of(std::vector<std::uint64_t> keys, std::size_t most);

  /// The filter that holds anything.
  static KeyFilter anything();

  /// False: `key` is certainly not in the set.
  bool may_contain(std::uint64_t key) const;
  bool holds_anything() const { return form_ == Form::anything; }

  void encode(std::string& out) const;
  /// Fails `in` on anything that is not a filter.
  static KeyFilter decode(ByteReader& in);

 private:
  enum class Form : std::uint8_t { nothing = 0, list = 1, fingerprints = 2, anything = 3 };

  bool build(const std::vector<std::uint64_t>& keys);

  Form form_ = Form::nothing;
  std::uint64_t seed_ = 0;
  std::uint64_t block_ = 0;
  std::vector<std::uint32_t> hashes_;
  std::string fingerprints_;
};

}  // namespace netrec
