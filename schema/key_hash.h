// The hash of every table keyed by numbers somebody else chose: a cookie of a file from a host that
// is not trusted, a descriptor a program moved where it liked.
//
// The standard library's hash of a number is the number, and a power-of-two table then looks at its
// low bits only: keys that agree in those make each insertion slow and the table grow without end.
// So the bits are mixed (the finisher of splitmix64, a bijection), with a seed of this run that
// nobody can foresee.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>

namespace netrec {

struct KeyHash {
  std::size_t operator()(std::uint64_t key) const noexcept {
    key ^= kSeed;
    key = (key ^ key >> 30) * 0xbf58476d1ce4e5b9u;
    key = (key ^ key >> 27) * 0x94d049bb133111ebu;
    return key ^ key >> 31;
  }

 private:
  static inline const std::uint64_t kSeed = [] {
    std::random_device random;
    return std::uint64_t{random()} << 32 | random();
  }();
};

}  // namespace netrec
