#include "store/key_finder.h"

#include <algorithm>

namespace netrec {

namespace {

enum class Side { after, before };

// The key `query` gives on that side of `value`; 0 for none. A key on the other side comes out of a
// page that is none.
Result<std::uint64_t> ask(Query& query, std::uint64_t value, Side side) {
  value = std::min(value, kLastKey);
  const auto found = query.first(value);
  if (!found) return tl::unexpected<Error>(found.error());
  const bool is_none = !*found || query.is_null(0);
  const std::int64_t key = is_none ? 0 : query.integer(0);
  query.reset();
  if (is_none) return 0;
  const auto place = static_cast<std::uint64_t>(key);
  if (key <= 0 || (side == Side::after ? place < value : place > value))
    return failure(ErrorKind::corrupt, "a key out of order");
  return place;
}

// `query` cannot tell at distance 0 of `place(0)`: finds the least distance at which it can.
template <class Place>
Result<KeyFinder::Found> search(Query& query, Side side, std::uint64_t most, const Place& place) {
  std::uint64_t blind = 0;
  std::uint64_t seeing = 0;
  KeyFinder::Found found{.key = 0, .past_damage = true};
  for (std::uint64_t distance = 1; seeing == 0; distance *= 2) {
    distance = std::min(distance, most);
    const auto key = ask(query, place(distance), side);
    if (key) {
      seeing = distance;
      found.key = *key;
    } else if (key.error().kind != ErrorKind::corrupt) {
      return tl::unexpected<Error>(key.error());
    } else if (distance == most) {
      return found;
    } else {
      blind = distance;
    }
  }
  while (seeing - blind > 1) {
    const std::uint64_t middle = blind + (seeing - blind) / 2;
    const auto key = ask(query, place(middle), side);
    if (key) {
      seeing = middle;
      found.key = *key;
    } else if (key.error().kind != ErrorKind::corrupt) {
      return tl::unexpected<Error>(key.error());
    } else {
      blind = middle;
    }
  }
  return found;
}

}  // namespace

// Not out of an index: that would tell of rows that cannot be read.
Result<KeyFinder> KeyFinder::open(const Database& database, std::string_view table,
                                  std::string_view key) {
  NETREC_TRY(after, database.prepare(fmt::format(
                        "SELECT min({1}) FROM {0} NOT INDEXED WHERE {1} >= ?", table, key)));
  NETREC_TRY(before, database.prepare(fmt::format(
                         "SELECT max({1}) FROM {0} NOT INDEXED WHERE {1} <= ?", table, key)));
  return KeyFinder(std::move(after), std::move(before));
}

Result<KeyFinder::Found> KeyFinder::at_or_after(std::uint64_t key) {
  const auto nearest = ask(after_, key, Side::after);
  if (nearest) return Found{.key = *nearest};
  if (nearest.error().kind != ErrorKind::corrupt) return tl::unexpected<Error>(nearest.error());
  return search(after_, Side::after, kLastKey - std::min(key, kLastKey),
                [key](std::uint64_t distance) { return key + distance; });
}

Result<KeyFinder::Found> KeyFinder::at_or_before(std::uint64_t key) {
  key = std::min(key, kLastKey);
  const auto nearest = ask(before_, key, Side::before);
  if (nearest) return Found{.key = *nearest};
  if (nearest.error().kind != ErrorKind::corrupt) return tl::unexpected<Error>(nearest.error());
  return search(before_, Side::before, key,
                [key](std::uint64_t distance) { return key - distance; });
}

Status read_rows(Query& rows, KeyFinder& keys, std::uint64_t first, std::uint64_t last,
                 const std::function<Result<bool>()>& visit,
                 const std::function<void(std::uint64_t from, std::uint64_t to)>& lost) {
  std::uint64_t from = first;
  last = std::min(last, kLastKey);
  while (from <= last) {
    auto more = rows.first(from, last);
    bool is_in_order = true;
    while (more && *more) {
      const auto key = static_cast<std::uint64_t>(rows.integer(0));
      // Out of a page that is none: who believes it goes round for ever.
      is_in_order = key >= from && key <= last;
      if (!is_in_order) break;
      from = key + 1;
      auto going_on = visit();
      if (going_on && *going_on) {
        more = rows.next();
        continue;
      }
      rows.reset();
      if (!going_on) return tl::unexpected<Error>(std::move(going_on).error());
      return {};
    }
    if (more && is_in_order) return {};
    rows.reset();
    if (!more && more.error().kind != ErrorKind::corrupt)
      return tl::unexpected<Error>(std::move(more).error());
    NETREC_TRY(next, keys.at_or_after(from));
    if (next.key < from || next.key > last) {
      lost(from, last);
      return {};
    }
    // A row that is found but cannot be read is lost alone.
    const std::uint64_t resume =
        std::max(next.past_damage && is_in_order ? next.key : next.key + 1, from + 1);
    lost(from, resume - 1);
    from = resume;
  }
  return {};
}

}  // namespace netrec
