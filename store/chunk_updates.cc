#include "store/chunk_updates.h"

#include <algorithm>

#include "store/bytes.h"

namespace netrec {

namespace {

constexpr std::uint64_t kExact = 1;

bool has_step(Coding coding, bool first_in_life) {
  switch (coding) {
    case Coding::instant_us:
    case Coding::instant_ms:
      return true;
    case Coding::steering:
      return false;
    default:
      return !first_in_life;
  }
}

/// Gives each occurrence that has one its place among the steps: by pattern, then as they come.
void place_steps(const Updates& updates, Coding coding, FieldChanges& changes) {
  std::vector<std::uint32_t> place(updates.patterns.size() + 1);
  const auto for_each_step = [&](auto&& visit) {
    std::uint32_t life = UINT32_MAX;
    for (Occurrence& occurrence : changes.occurrences) {
      const bool first_in_life = occurrence.life != life;
      life = occurrence.life;
      if (has_step(coding, first_in_life)) visit(occurrence, updates.pattern[occurrence.update]);
    }
  };
  for_each_step([&](const Occurrence&, std::uint32_t pattern) { ++place[pattern + 1]; });
  for (std::size_t i = 1; i < place.size(); ++i) place[i] += place[i - 1];
  changes.steps = place.back();
  for_each_step(
      [&](Occurrence& occurrence, std::uint32_t pattern) { occurrence.step = place[pattern]++; });
}

/// Calls visit(field, occurrence) for every field of every update.
template <class Visitor>
void walk(const Updates& updates, Visitor&& visit) {
  std::uint32_t change = 0;
  for (std::uint32_t life = 0; life < updates.lives(); ++life)
    for (std::uint32_t update = updates.first[life]; update < updates.first[life + 1]; ++update)
      for (const std::uint16_t field : updates.patterns[updates.pattern[update]].fields)
        visit(field, Occurrence{.life = life, .update = update, .change = change++});
}

}  // namespace

std::string encode_patterns(const std::vector<Pattern>& patterns, const KindLayout& layout) {
  std::string out;
  for (const Pattern& pattern : patterns) {
    put_varint(out, pattern.fields.size());
    put_varint(out, pattern.exact ? kExact : 0);
    std::uint16_t last = 0;
    for (const std::uint16_t field : pattern.fields) {
      put_varint(out, static_cast<std::uint64_t>(field - last));
      last = field;
      if (field == layout.steering) put_varint(out, pattern.steering);
    }
  }
  return out;
}

Result<std::vector<Pattern>> decode_patterns(std::string_view bytes, std::size_t count,
                                             const KindLayout& layout) {
  ByteReader in(bytes);
  std::vector<Pattern> patterns;
  for (std::size_t i = 0; i < count && in.ok(); ++i) {
    Pattern pattern;
    const std::uint64_t fields = in.varint_up_to(layout.codings.size());
    pattern.exact = in.varint_up_to(kExact) == kExact;
    std::uint64_t field = 0;
    for (std::uint64_t f = 0; f < fields; ++f) {
      const std::uint64_t step = in.varint_up_to(layout.codings.size());
      field += step;
      if (field >= layout.codings.size() || (f > 0 && step == 0)) in.fail();
      if (!in.ok()) break;
      pattern.fields.push_back(static_cast<std::uint16_t>(field));
      if (static_cast<int>(field) == layout.steering) pattern.steering = in.varint();
    }
    patterns.push_back(std::move(pattern));
  }
  if (!in.at_end() || patterns.size() != count)
    return failure(ErrorKind::corrupt, "the patterns of a chunk are not what they should be");
  return patterns;
}

std::vector<FieldChanges> changes_by_field(const Updates& updates, const KindLayout& layout) {
  std::vector<std::size_t> counts(layout.codings.size());
  walk(updates, [&](std::uint16_t field, const Occurrence&) { ++counts[field]; });
  std::vector<FieldChanges> by_field(layout.codings.size());
  for (std::size_t field = 0; field < counts.size(); ++field)
    by_field[field].occurrences.reserve(counts[field]);
  walk(updates, [&](std::uint16_t field, const Occurrence& occurrence) {
    by_field[field].occurrences.push_back(occurrence);
  });
  for (std::size_t field = 0; field < by_field.size(); ++field)
    place_steps(updates, layout.codings[field], by_field[field]);
  return by_field;
}

std::vector<std::uint32_t> order_of_opening(std::span<const std::uint64_t> beginnings_us) {
  std::vector<std::pair<std::uint64_t, std::uint32_t>> order;
  order.reserve(beginnings_us.size());
  for (std::uint32_t i = 0; i < beginnings_us.size(); ++i) order.emplace_back(beginnings_us[i], i);
  std::sort(order.begin(), order.end());
  std::vector<std::uint32_t> places;
  places.reserve(order.size());
  for (const auto& [beginning_us, place] : order) places.push_back(place);
  return places;
}

FieldChanges changes_of_field(const Updates& updates, const KindLayout& layout,
                              std::uint16_t field) {
  // Where the field stands in each pattern, so that updates without it cost one look.
  constexpr std::uint32_t kNowhere = UINT32_MAX;
  std::vector<std::uint32_t> place(updates.patterns.size(), kNowhere);
  for (std::size_t p = 0; p < place.size(); ++p) {
    const auto& fields = updates.patterns[p].fields;
    const auto found = std::lower_bound(fields.begin(), fields.end(), field);
    if (found != fields.end() && *found == field)
      place[p] = static_cast<std::uint32_t>(found - fields.begin());
  }
  FieldChanges changes;
  if (std::all_of(place.begin(), place.end(), [](std::uint32_t at) { return at == kNowhere; }))
    return changes;
  std::uint32_t change = 0;
  for (std::uint32_t life = 0; life < updates.lives(); ++life)
    for (std::uint32_t update = updates.first[life]; update < updates.first[life + 1]; ++update) {
      const std::uint32_t p = updates.pattern[update];
      if (place[p] != kNowhere)
        changes.occurrences.push_back(
            {.life = life, .update = update, .change = change + place[p]});
      change += static_cast<std::uint32_t>(updates.patterns[p].fields.size());
    }
  place_steps(updates, layout.codings[field], changes);
  return changes;
}

}  // namespace netrec
