#include "store/chunk_updates.h"

#include <tsl/robin_map.h>

#include <algorithm>
#include <bitset>

#include "schema/key_hash.h"
#include "store/bytes.h"

namespace netrec {

namespace {

constexpr std::uint64_t kExact = 1;

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
  std::vector<std::size_t> uses(updates.patterns.size());
  for (const std::uint32_t pattern : updates.pattern) ++uses[pattern];
  std::vector<std::size_t> counts(layout.codings.size());
  for (std::size_t pattern = 0; pattern < uses.size(); ++pattern)
    for (const std::uint16_t field : updates.patterns[pattern].fields)
      counts[field] += uses[pattern];
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

namespace {

constexpr std::size_t kMostFields = 128;

/// Goes over all lives, counting; lists the occurrences of those asked for. Lives are much alike:
/// which fields one has changed so far is a state, an update of some pattern a step from one state
/// to another, and of most updates all there is to do is to count that the step was taken. What the
/// counts mean field by field is added up when it is asked for.
class Picker {
 public:
  Picker(const Updates& updates, const KindLayout& layout)
      : updates_(updates),
        layout_(layout),
        untold_(updates.patterns.size()),
        likely_(updates.patterns.size(), UINT32_MAX),
        uses_(updates.patterns.size()),
        changes_(layout.codings.size()),
        slots_(layout.codings.size()) {
    NETREC_CHECK(layout.codings.size() <= kMostFields, "more fields than a set of them holds");
    slot_.push_back(0);
    for (const Pattern& pattern : updates.patterns) {
      slot_.push_back(slot_.back() + static_cast<std::uint32_t>(pattern.fields.size()));
      for (const std::uint16_t field : pattern.fields) field_.push_back(field);
    }
    stepless_.resize(field_.size());
    static_cast<void>(state_of({}));
  }

  std::vector<SomeChanges> pick(std::span<const std::uint32_t> some,
                                const std::vector<bool>& opened_here, std::size_t ongoing) {
    auto next = some.begin();
    for (std::uint32_t life = 0; life < updates_.lives(); ++life) {
      const bool is_wanted = next != some.end() && *next == life;
      next += is_wanted ? 1 : 0;
      std::uint32_t state = 0;
      for (std::uint32_t u = updates_.first[life]; u < updates_.first[life + 1]; ++u) {
        if (is_wanted) list(life, u, state);
        state = take(state, updates_.pattern[u]);
      }
      if (is_wanted) place_life(state, life >= ongoing);
      State& last = states_[state];
      if (last.lives == 0 && last.ongoing == 0) untold_states_.push_back(state);
      last.ongoing += life >= ongoing ? 1 : 0;
      last.lives += opened_here[life] ? 1 : 0;
    }
    tell_states();
    place_steps();
    return std::move(changes_);
  }

 private:
  using Fields = std::bitset<kMostFields>;
  struct State {
    Fields fields;              ///< those that have changed
    std::uint32_t lives = 0;    ///< that opened here and ended up so, not told yet
    std::uint32_t ongoing = 0;  ///< the same
  };
  struct Step {
    std::uint32_t from = 0;
    std::uint32_t pattern = 0;
    std::uint32_t to = 0;
    std::uint32_t taken = 0;  ///< not told yet
  };

  std::uint32_t state_of(const Fields& fields) {
    const auto [place, is_new] =
        state_numbers_.try_emplace(fields, static_cast<std::uint32_t>(states_.size()));
    if (is_new) states_.push_back({.fields = fields});
    return place->second;
  }

  std::uint32_t step_of(std::uint32_t state, std::uint32_t pattern) {
    const auto [place, is_new] = step_numbers_.try_emplace(
        std::uint64_t{state} << 32 | pattern, static_cast<std::uint32_t>(steps_.size()));
    if (is_new) {
      Fields after = states_[state].fields;
      for (const std::uint16_t field : updates_.patterns[pattern].fields) after.set(field);
      steps_.push_back({.from = state, .pattern = pattern, .to = state_of(after)});
    }
    return place->second;
  }

  std::uint32_t take(std::uint32_t state, std::uint32_t pattern) {
    std::uint32_t& likely = likely_[pattern];
    if (likely >= steps_.size() || steps_[likely].from != state) likely = step_of(state, pattern);
    Step& step = steps_[likely];
    if (step.taken++ == 0) untold_[pattern].push_back(likely);
    return step.to;
  }

  void tell(std::uint32_t pattern) {
    for (const std::uint32_t number : untold_[pattern]) {
      Step& step = steps_[number];
      const Fields& known = states_[step.from].fields;
      uses_[pattern] += step.taken;
      for (std::uint32_t slot = slot_[pattern]; slot < slot_[pattern + 1]; ++slot)
        if (!has_step(layout_.codings[field_[slot]], !known[field_[slot]]))
          stepless_[slot] += step.taken;
      step.taken = 0;
    }
    untold_[pattern].clear();
  }

  void tell_states() {
    for (const std::uint32_t number : untold_states_) {
      State& state = states_[number];
      for (std::size_t field = 0; field < changes_.size(); ++field)
        if (state.fields[field]) {
          changes_[field].initials += state.lives;
          changes_[field].lasts += state.ongoing;
        }
      state.lives = state.ongoing = 0;
    }
    untold_states_.clear();
  }

  void list(std::uint32_t life, std::uint32_t update, std::uint32_t state) {
    const std::uint32_t pattern = updates_.pattern[update];
    tell(pattern);
    for (std::uint32_t slot = slot_[pattern]; slot < slot_[pattern + 1]; ++slot) {
      const std::uint16_t field = field_[slot];
      const bool is_first = !states_[state].fields[field];
      const bool steps = has_step(layout_.codings[field], is_first);
      changes_[field].occurrences.push_back(
          {.life = life,
           .update = update,
           .step = steps ? uses_[pattern] - stepless_[slot] : Occurrence::kNoStep});
      slots_[field].push_back(slot);
    }
  }

  void place_life(std::uint32_t state, bool is_ongoing) {
    tell_states();
    for (std::size_t field = 0; field < changes_.size(); ++field)
      if (states_[state].fields[field])
        changes_[field].place.push_back(is_ongoing ? changes_[field].lasts
                                                   : changes_[field].initials);
  }

  /// Of each field, the steps of one pattern lie behind those of the patterns before.
  void place_steps() {
    std::vector<std::uint32_t> begin(field_.size());
    for (std::uint32_t pattern = 0; pattern < uses_.size(); ++pattern) {
      tell(pattern);
      for (std::uint32_t slot = slot_[pattern]; slot < slot_[pattern + 1]; ++slot) {
        SomeChanges& changes = changes_[field_[slot]];
        begin[slot] = static_cast<std::uint32_t>(changes.steps);
        changes.steps += uses_[pattern] - stepless_[slot];
      }
    }
    for (std::size_t field = 0; field < changes_.size(); ++field)
      for (std::size_t i = 0; i < slots_[field].size(); ++i)
        if (Occurrence& now = changes_[field].occurrences[i]; now.step != Occurrence::kNoStep)
          now.step += begin[slots_[field][i]];
  }

  const Updates& updates_;
  const KindLayout& layout_;
  std::vector<std::uint32_t> slot_;   ///< by pattern: where its fields begin in `field_`
  std::vector<std::uint16_t> field_;  ///< of all patterns
  std::vector<State> states_;
  tsl::robin_map<Fields, std::uint32_t> state_numbers_;
  std::vector<std::uint32_t> untold_states_;
  std::vector<Step> steps_;
  tsl::robin_map<std::uint64_t, std::uint32_t, KeyHash> step_numbers_;
  std::vector<std::vector<std::uint32_t>> untold_;  ///< by pattern, its steps
  std::vector<std::uint32_t> likely_;               ///< by pattern, the step taken last
  std::vector<std::uint32_t> uses_;                 ///< by pattern, as told
  std::vector<std::uint32_t> stepless_;             ///< by slot, as told: those without a step
  std::vector<SomeChanges> changes_;                ///< by field
  std::vector<std::vector<std::uint32_t>> slots_;   ///< by field, of its occurrences
};

}  // namespace

std::vector<SomeChanges> changes_of_some(const Updates& updates, const KindLayout& layout,
                                         std::span<const std::uint32_t> some,
                                         const std::vector<bool>& opened_here,
                                         std::size_t ongoing) {
  return Picker(updates, layout).pick(some, opened_here, ongoing);
}

// Sorted by parts of time, as many as there are lives, and within each: lives come about evenly.
std::vector<std::uint32_t> order_of_opening(std::span<const std::uint64_t> beginnings_us) {
  if (beginnings_us.empty()) return {};
  const auto [least, most] = std::minmax_element(beginnings_us.begin(), beginnings_us.end());
  const std::uint64_t first_us = *least;
  unsigned shift = 0;
  while ((*most - first_us) >> shift >= beginnings_us.size()) ++shift;
  std::vector<std::uint32_t> end(beginnings_us.size() + 1);
  for (const std::uint64_t beginning_us : beginnings_us)
    ++end[((beginning_us - first_us) >> shift) + 1];
  for (std::size_t part = 1; part < end.size(); ++part) end[part] += end[part - 1];
  std::vector<std::uint32_t> places(beginnings_us.size());
  for (std::uint32_t i = 0; i < beginnings_us.size(); ++i)
    places[end[(beginnings_us[i] - first_us) >> shift]++] = i;
  std::uint32_t begin = 0;
  for (std::size_t part = 0; part + 1 < end.size(); begin = end[part++]) {
    if (end[part] - begin < 2) continue;
    std::sort(
        places.begin() + begin, places.begin() + end[part], [&](std::uint32_t a, std::uint32_t b) {
          return beginnings_us[a] != beginnings_us[b] ? beginnings_us[a] < beginnings_us[b] : a < b;
        });
  }
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
