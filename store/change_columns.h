// What changed in a chunk, field by field: two walks over all updates, life by life, each of which
// goes through their values once. Where a value goes, store/chunk_updates.h says.
#pragma once

#include <cstdint>
#include <vector>

#include "store/chunk_lives.h"
#include "store/row_columns.h"

namespace netrec {

template <class T>
class ChangeColumns {
 public:
  /// Brings `ended` and `begun` up to their last values. `lives` must outlive this.
  ChangeColumns(const Lives<T>& lives, const KindLayout& layout, RowColumns<T>& ended,
                RowColumns<T>& begun)
      : lives_(lives), layout_(layout), fields_(layout.codings.size()), seen_(fields_.size()) {
    slot_.push_back(0);
    for (const Pattern& pattern : lives.updates.patterns)
      slot_.push_back(slot_.back() + static_cast<std::uint32_t>(pattern.fields.size()));
    std::vector<std::uint32_t> counts(slot_.back());
    follow(ended, begun, counts);
    place_steps(counts);
  }

  /// In which lives an instant changed, ascending.
  const std::vector<std::uint32_t>& lives_of(std::size_t instant) const {
    return fields_[instant].lives;
  }

  struct Field {
    Column initial, last, steps;         ///< the columns of these roles
    std::vector<std::uint32_t> lives{};  ///< if it is an instant: those in which it changed
  };
  /// `beginnings_us`: when each life began.
  std::vector<Field> columns(const RowColumns<T>& ended, const RowColumns<T>& begun,
                             const Column& beginnings_us) &&;

 private:
  /// True if `field` did not change before in `life`.
  bool is_first(std::uint16_t field, std::size_t life) {
    const bool is_new = seen_[field] != life + 1;
    seen_[field] = static_cast<std::uint32_t>(life + 1);
    return is_new;
  }

  void follow(RowColumns<T>& ended, RowColumns<T>& begun, std::vector<std::uint32_t>& counts);
  void place_steps(const std::vector<std::uint32_t>& counts);

  const Lives<T>& lives_;
  const KindLayout& layout_;
  std::vector<Field> fields_;
  std::vector<std::uint32_t> seen_;   ///< by field: the last life it changed in, and 1
  std::vector<std::uint32_t> slot_;   ///< of each pattern's first field among those of all
  std::vector<std::uint32_t> place_;  ///< by slot: of its next step in the field's column
};

template <class T>
void ChangeColumns<T>::follow(RowColumns<T>& ended, RowColumns<T>& begun,
                              std::vector<std::uint32_t>& counts) {
  const Updates& updates = lives_.updates;
  std::vector<std::uint64_t*> of_ended(fields_.size()), of_begun(fields_.size());
  for (const Pattern& pattern : updates.patterns)
    for (const std::uint16_t field : pattern.fields) {
      of_ended[field] = ended.changed(field);
      of_begun[field] = begun.changed(field);
    }
  const std::uint64_t* value = lives_.values.data();
  for (std::size_t life = 0; life < updates.lives(); ++life) {
    const LifeGroup group = lives_.lives[life].group();
    std::uint64_t* const* const rows =
        group == LifeGroup::ended ? of_ended.data() : of_begun.data();
    const std::size_t row = group == LifeGroup::ended ? life : life - lives_.counts.ended;
    for (std::uint32_t u = updates.first[life]; u < updates.first[life + 1]; ++u) {
      const std::uint32_t pattern = updates.pattern[u];
      std::uint32_t* count = counts.data() + slot_[pattern];
      for (const std::uint16_t field : updates.patterns[pattern].fields) {
        const bool first = is_first(field, life);
        if (group != LifeGroup::ongoing) rows[field][row] = *value;
        ++value;
        if (first && layout_.is_instant(field))
          fields_[field].lives.push_back(static_cast<std::uint32_t>(life));
        *count++ += has_step(layout_.codings[field], first) ? 1 : 0;
      }
    }
  }
}

/// By pattern, then as they come.
template <class T>
void ChangeColumns<T>::place_steps(const std::vector<std::uint32_t>& counts) {
  std::vector<std::uint32_t> steps(fields_.size());
  place_.reserve(counts.size());
  for (const Pattern& pattern : lives_.updates.patterns)
    for (const std::uint16_t field : pattern.fields) {
      const std::uint32_t count = counts[place_.size()];
      place_.push_back(steps[field]);
      steps[field] += count;
    }
  for (std::size_t field = 0; field < steps.size(); ++field)
    fields_[field].steps.resize(steps[field]);
}

template <class T>
std::vector<typename ChangeColumns<T>::Field> ChangeColumns<T>::columns(
    const RowColumns<T>& ended, const RowColumns<T>& begun, const Column& beginnings_us) && {
  const auto all = fields_of<T>();
  const Updates& updates = lives_.updates;
  std::fill(seen_.begin(), seen_.end(), 0);
  std::vector<std::uint64_t> before(fields_.size());
  std::vector<std::uint16_t> met;  // Fields that changed in a life, if it is ongoing.
  const std::uint64_t* now = lives_.values.data();
  for (std::size_t l = 0; l < updates.lives(); ++l) {
    const Life<T>& life = lives_.lives[l];
    const bool is_ongoing = life.group() == LifeGroup::ongoing;
    const RowColumns<T>& rows = l < lives_.counts.ended ? ended : begun;
    const std::size_t row = l < lives_.counts.ended ? l : l - lives_.counts.ended;
    met.clear();
    for (std::uint32_t u = updates.first[l]; u < updates.first[l + 1]; ++u) {
      const std::uint32_t pattern = updates.pattern[u];
      std::uint32_t* place = place_.data() + slot_[pattern];
      for (const std::uint16_t field : updates.patterns[pattern].fields) {
        const std::uint64_t value = *now++;
        const Coding coding = layout_.codings[field];
        const bool first = is_first(field, l);
        if (first && life.opened_here()) {
          const std::uint64_t initial = rows.opening(field)[row];
          fields_[field].initial.push_back(layout_.is_instant(field)
                                               ? instant_code(initial, beginnings_us[l], coding)
                                               : initial);
        }
        if (first && is_ongoing && has_last(coding)) met.push_back(field);
        if (has_step(coding, first)) {
          const std::uint64_t step =
              !has_last(coding) ? instant_code(value, updates.at_us[u], coding)
              : all[field].kind == FieldKind::counter ? value - before[field]
                                                      : zigzag(value - before[field]);
          fields_[field].steps[(*place)++] = step;
        }
        ++place;
        before[field] = value;
      }
    }
    for (const std::uint16_t field : met) fields_[field].last.push_back(before[field]);
  }
  return std::move(fields_);
}

}  // namespace netrec
