#include "store/key_filter.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

namespace netrec {

namespace {

// Up to here a list is about as small as an xor filter, and sixteen million times surer.
constexpr std::size_t kMostListed = 24;
// One seed in ten fails; a hundred of them never do.
constexpr std::uint64_t kSeeds = 100;

/// Where a key lives in an xor filter, one place in each third, and what lies there in sum.
struct Places {
  std::array<std::uint64_t, 3> at{};
  std::uint8_t fingerprint = 0;
};

Places places_of(std::uint64_t key, std::uint64_t seed, std::uint64_t block) {
  const std::uint64_t hash = mix_key(key + seed * 0x9e3779b97f4a7c15ULL);
  Places places;
  for (unsigned third = 0; third < 3; ++third) {
    const auto part = static_cast<std::uint32_t>(std::rotl(hash, static_cast<int>(21 * third)));
    places.at[third] = third * block + ((part * block) >> 32);
  }
  places.fingerprint = static_cast<std::uint8_t>(hash ^ (hash >> 32));
  return places;
}

/// While the filter is built: how many keys a place still has, and their xor.
struct Cell {
  std::uint64_t keys = 0;
  std::uint32_t count = 0;
};

struct Peeled {
  std::uint64_t key;
  std::uint64_t place;
};

/// The order in which keys can be taken off places they have alone; shorter than the keys if some
/// cannot.
std::vector<Peeled> peel(const std::vector<std::uint64_t>& keys, std::uint64_t seed,
                         std::uint64_t block) {
  std::vector<Cell> cells(static_cast<std::size_t>(3 * block));
  for (const std::uint64_t key : keys)
    for (const std::uint64_t place : places_of(key, seed, block).at) {
      cells[place].keys ^= key;
      ++cells[place].count;
    }
  std::vector<std::uint64_t> alone;
  for (std::uint64_t place = 0; place < cells.size(); ++place)
    if (cells[place].count == 1) alone.push_back(place);
  std::vector<Peeled> order;
  order.reserve(keys.size());
  while (!alone.empty()) {
    const std::uint64_t place = alone.back();
    alone.pop_back();
    if (cells[place].count != 1) continue;
    const std::uint64_t key = cells[place].keys;
    order.push_back({key, place});
    for (const std::uint64_t other : places_of(key, seed, block).at) {
      cells[other].keys ^= key;
      if (--cells[other].count == 1) alone.push_back(other);
    }
  }
  return order;
}

}  // namespace

std::uint64_t mix_key(std::uint64_t key) {
  key ^= key >> 33;
  key *= 0xff51afd7ed558ccdULL;
  key ^= key >> 33;
  key *= 0xc4ceb9fe1a85ec53ULL;
  return key ^ (key >> 33);
}

KeyFilter KeyFilter::of(std::vector<std::uint64_t> keys, std::size_t most) {
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  KeyFilter filter;
  if (keys.empty()) return filter;
  if (keys.size() <= kMostListed) {
    filter.form_ = Form::list;
    for (const std::uint64_t key : keys)
      filter.hashes_.push_back(static_cast<std::uint32_t>(mix_key(key)));
    std::sort(filter.hashes_.begin(), filter.hashes_.end());
  } else if (keys.size() > most || !filter.build(keys)) {
    filter = anything();
  }
  return filter;
}

KeyFilter KeyFilter::anything() {
  KeyFilter filter;
  filter.form_ = Form::anything;
  return filter;
}

bool KeyFilter::build(const std::vector<std::uint64_t>& keys) {
  form_ = Form::fingerprints;
  block_ = static_cast<std::uint64_t>(1.23 * static_cast<double>(keys.size()) / 3) + 12;
  for (seed_ = 0; seed_ < kSeeds; ++seed_) {
    const std::vector<Peeled> order = peel(keys, seed_, block_);
    if (order.size() != keys.size()) continue;
    fingerprints_.assign(static_cast<std::size_t>(3 * block_), '\0');
    for (auto peeled = order.rbegin(); peeled != order.rend(); ++peeled) {
      const Places places = places_of(peeled->key, seed_, block_);
      std::uint8_t rest = places.fingerprint;
      for (const std::uint64_t place : places.at)
        if (place != peeled->place) rest ^= static_cast<std::uint8_t>(fingerprints_[place]);
      fingerprints_[peeled->place] = static_cast<char>(rest);
    }
    return true;
  }
  return false;
}

bool KeyFilter::may_contain(std::uint64_t key) const {
  switch (form_) {
    case Form::nothing:
      return false;
    case Form::list:
      return std::binary_search(hashes_.begin(), hashes_.end(),
                                static_cast<std::uint32_t>(mix_key(key)));
    case Form::fingerprints: {
      const Places places = places_of(key, seed_, block_);
      std::uint8_t sum = places.fingerprint;
      for (const std::uint64_t place : places.at)
        sum ^= static_cast<std::uint8_t>(fingerprints_[place]);
      return sum == 0;
    }
    case Form::anything:
      return true;
  }
  return true;
}

void KeyFilter::encode(std::string& out) const {
  out.push_back(static_cast<char>(form_));
  if (form_ == Form::list) {
    put_varint(out, hashes_.size());
    std::uint32_t last = 0;
    for (const std::uint32_t hash : hashes_) {
      put_varint(out, hash - last);
      last = hash;
    }
  } else if (form_ == Form::fingerprints) {
    put_varint(out, seed_);
    put_varint(out, block_);
    out += fingerprints_;
  }
}

KeyFilter KeyFilter::decode(ByteReader& in) {
  KeyFilter filter;
  const std::uint8_t form = in.byte();
  if (form > 3) in.fail();
  filter.form_ = static_cast<Form>(form);
  if (filter.form_ == Form::list) {
    const std::uint64_t count = in.varint_up_to(kMostListed);
    std::uint32_t last = 0;
    for (std::uint64_t i = 0; i < count; ++i)
      filter.hashes_.push_back(last += static_cast<std::uint32_t>(in.varint_up_to(UINT32_MAX)));
    if (!std::is_sorted(filter.hashes_.begin(), filter.hashes_.end())) in.fail();
  } else if (filter.form_ == Form::fingerprints) {
    filter.seed_ = in.varint_up_to(kSeeds);
    filter.block_ = in.varint_up_to(in.remaining());
    filter.fingerprints_ = in.raw(3 * filter.block_);
    if (filter.block_ == 0) in.fail();
  }
  if (!in.ok()) filter.form_ = Form::anything;
  return filter;
}

}  // namespace netrec
