#include "store/chunk_lives.h"

#include <tsl/robin_map.h>
#include <tsl/robin_set.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <tuple>
#include <utility>

#include "schema/key_hash.h"

namespace netrec {

namespace {

/// Updates of one life lie anywhere among those of all: so many before one is wanted, it is asked
/// for.
constexpr std::size_t kUpdatesAhead = 8;

/// An update as it is met, before the lives are in order.
struct RawUpdate {
  std::uint32_t life = 0;
  std::uint32_t frame = 0;
  std::uint32_t at = 0;
  std::uint32_t pattern = 0;
  std::uint32_t first_value = 0;
};

std::uint64_t hash_of(const Pattern& pattern) {
  std::uint64_t hash = pattern.exact ? 1 : 0;
  const auto add = [&](std::uint64_t word) {
    hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
    hash ^= hash >> 29;
  };
  for (const std::uint16_t field : pattern.fields) add(field);
  add(pattern.steering);
  return hash;
}

/// Numbers patterns as they are met.
class PatternBook {
 public:
  std::uint32_t number_of(const Pattern& pattern) {
    const std::uint64_t hash = hash_of(pattern);
    std::uint32_t& likely = likely_[hash % likely_.size()];
    if (likely >= patterns_.size() || patterns_[likely] != pattern) likely = look_up(pattern, hash);
    return likely;
  }
  std::vector<Pattern>& patterns() { return patterns_; }

 private:
  std::uint32_t look_up(const Pattern& pattern, std::uint64_t hash) {
    for (;; ++hash) {
      const auto [place, is_new] =
          numbers_.try_emplace(hash, static_cast<std::uint32_t>(patterns_.size()));
      if (is_new) patterns_.push_back(pattern);
      if (patterns_[place->second] == pattern) return place->second;
    }
  }

  std::array<std::uint32_t, 256> likely_{};  ///< by hash: the last one that had it
  tsl::robin_map<std::uint64_t, std::uint32_t, KeyHash> numbers_;
  std::vector<Pattern> patterns_;
};

template <class T>
class Collector {
 public:
  Collector(const ChunkInput& input, const ChunkClock& clock)
      : input_(input), clock_(clock), layout_(layout_of<T>()) {}

  Result<Lives<T>> collect() {
    make_room();
    for (frame_ = 0; frame_ < input_.frames.size(); ++frame_) {
      NETREC_CHECKED(take(input_.frames[frame_].delta.template of<T>()));
    }
    find_departed();
    put_lives_in_order();
    put_updates_in_order();
    return std::move(out_);
  }

 private:
  /// At once: growing moves millions of numbers.
  void make_room() {
    std::size_t lives = 0;
    std::size_t updates = 0;
    std::size_t values = 0;
    for (const Frame& frame : input_.frames) {
      const Changes<T>& changes = frame.delta.template of<T>();
      lives += changes.opened.size();
      values += changes.changed.size();
      const Change* before = nullptr;
      for (const Change& change : changes.changed) {
        if (before == nullptr || before->key != change.key || before->at != change.at) ++updates;
        before = &change;
      }
    }
    out_.lives.reserve(std::min(lives, kMostChunkLives));
    alive_.reserve(std::min(lives, kMostChunkLives));
    raw_.reserve(std::min(updates, kMostChunkUpdates));
    raw_values_.reserve(std::min(values, kMostChunkChanges));
  }

  /// Errors: invalid_argument, if they are not in canonical order, too. It is looked at here, where
  /// they are read anyway: they are tens of megabytes.
  Status take(const Changes<T>& changes) {
    bool in_order = true;
    for (const T& row : changes.opened) {
      in_order = in_order && (&row == changes.opened.data() || key_of(*(&row - 1)) < key_of(row));
      open(row);
    }
    const std::vector<Change>& changed = changes.changed;
    for (std::size_t i = 0; i < changed.size();) {
      in_order = in_order && (i == 0 || !happens_before(changed[i], changed[i - 1]));
      i = update(changed, i);
    }
    in_order = in_order && std::is_sorted(changes.closed.begin(), changes.closed.end());
    for (const Closed& closed : changes.closed) close(closed);
    if (!in_order)
      return failure(ErrorKind::invalid_argument, "frame {} is not in canonical order",
                     input_.frames[frame_].sequence);
    return check_size();
  }

  Status check_size() const {
    if (out_.lives.size() <= kMostChunkLives && raw_.size() <= kMostChunkUpdates &&
        raw_values_.size() <= kMostChunkChanges)
      return {};
    return failure(ErrorKind::invalid_argument, "more than a chunk may hold: {} lives, {} changes",
                   out_.lives.size(), raw_values_.size());
  }

  void open(const T& row) {
    alive_[key_of(row)] = static_cast<std::uint32_t>(out_.lives.size());
    out_.lives.push_back({.key = key_of(row), .origin = &row, .open_frame = frame_});
  }

  std::uint32_t life_of(std::uint64_t key) {
    const auto [place, is_new] =
        alive_.try_emplace(key, static_cast<std::uint32_t>(out_.lives.size()));
    if (is_new) out_.lives.push_back({.key = key});
    return place->second;
  }

  void close(const Closed& closed) {
    Life<T>& life = out_.lives[life_of(closed.key)];
    life.close_frame = frame_;
    life.close_at = closed.at;
    life.reason = closed.reason;
    alive_.erase(closed.key);
  }

  bool is_regular(const Change& change) const {
    return change.field < layout_.codings.size() && !layout_.part_of_key[change.field];
  }

  void keep_irregular(const Change& change) {
    for (const std::uint64_t number : {std::uint64_t{frame_}, change.key, change.value,
                                       std::uint64_t{change.at}, std::uint64_t{change.field}})
      put_varint(out_.irregular, number);
  }

  /// Takes what happened to one entity at one moment; returns where the next begins.
  std::size_t update(const std::vector<Change>& changed, std::size_t begin) {
    const Change& first = changed[begin];
    if (!is_regular(first)) {
      keep_irregular(first);
      return begin + 1;
    }
    pattern_.fields.clear();
    pattern_.exact = first.at != 0;
    pattern_.steering = 0;
    const auto first_value = static_cast<std::uint32_t>(raw_values_.size());
    std::size_t end = begin;
    for (; end < changed.size(); ++end) {
      const Change& change = changed[end];
      if (change.key != first.key || change.at != first.at || !is_regular(change)) break;
      if (end > begin && change.field <= pattern_.fields.back()) break;
      if (static_cast<int>(change.field) == layout_.steering) pattern_.steering = change.value;
      pattern_.fields.push_back(change.field);
      raw_values_.push_back(change.value);
    }
    raw_.push_back({life_of(first.key), frame_, first.at, book_.number_of(pattern_), first_value});
    return end;
  }

  /// The row that was there before the run; once for each key.
  const T* departed(std::uint64_t key) {
    if constexpr (std::is_same_v<T, Socket>) {
      const auto place = departed_.find(key);
      return place == departed_.end() ? nullptr : std::exchange(place.value(), nullptr);
    } else if constexpr (std::is_same_v<T, Peer> || std::is_same_v<T, Resolution>) {
      if (!seen_.insert(key).second || input_.carry == nullptr) return nullptr;
      return input_.carry->of<T>().find(key);
    } else {
      return nullptr;
    }
  }

  /// Only the first life of a key can have begun before the run.
  void find_departed() {
    if constexpr (std::is_same_v<T, Socket>) {
      departed_.reserve(input_.departed.size());
      for (const Socket& row : input_.departed) departed_.try_emplace(row.cookie, &row);
    }
    for (Life<T>& life : out_.lives)
      if (life.origin == nullptr && life.closed_here()) life.origin = departed(life.key);
  }

  /// What puts a life in its place in its group.
  struct Order {
    std::uint64_t first = 0;
    std::uint64_t key = 0;
    std::uint32_t open_frame = 0;
    std::uint32_t life = 0;

    bool operator<(const Order& other) const {
      return std::tie(first, key, open_frame) < std::tie(other.first, other.key, other.open_frame);
    }
  };

  Order order_of(std::uint32_t number, LifeGroup group) const {
    const Life<T>& life = out_.lives[number];
    Order order{.key = life.key, .open_frame = life.open_frame, .life = number};
    if (group == LifeGroup::ended)
      order.first = std::uint64_t{life.close_frame} << 32 | (UINT32_MAX - life.close_at);
    else if (group == LifeGroup::begun)
      order.first =
          layout_.opening < 0
              ? life.open_frame
              : fields_of<T>()[static_cast<std::size_t>(layout_.opening)].get(*life.origin);
    return order;
  }

  void put_lives_in_order() {
    std::array<std::vector<Order>, 3> groups;
    for (std::uint32_t i = 0; i < out_.lives.size(); ++i) {
      const LifeGroup group = out_.lives[i].group();
      groups[static_cast<std::size_t>(group)].push_back(order_of(i, group));
    }
    out_.counts.ended = groups[0].size();
    out_.counts.begun = groups[1].size();
    out_.counts.ongoing = groups[2].size();
    place_.resize(out_.lives.size());
    std::vector<Life<T>> sorted;
    sorted.reserve(out_.lives.size());
    for (std::vector<Order>& group : groups) {
      std::sort(group.begin(), group.end());
      for (const Order& one : group) {
        place_[one.life] = static_cast<std::uint32_t>(sorted.size());
        sorted.push_back(out_.lives[one.life]);
      }
    }
    out_.lives = std::move(sorted);
  }

  /// Patterns most often used get the smallest numbers.
  std::vector<std::uint32_t> renumber_patterns() {
    std::vector<std::uint32_t> uses(book_.patterns().size());
    for (const RawUpdate& update : raw_) ++uses[update.pattern];
    std::vector<std::uint32_t> order(uses.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::uint32_t a, std::uint32_t b) { return uses[a] > uses[b]; });
    std::vector<std::uint32_t> number(uses.size());
    for (std::uint32_t i = 0; i < order.size(); ++i) {
      number[order[i]] = i;
      out_.updates.patterns.push_back(std::move(book_.patterns()[order[i]]));
    }
    return number;
  }

  void put_updates_in_order() {
    Updates& updates = out_.updates;
    updates.first.assign(out_.lives.size() + 1, 0);
    for (const RawUpdate& update : raw_) ++updates.first[place_[update.life] + 1];
    for (std::size_t i = 1; i < updates.first.size(); ++i) updates.first[i] += updates.first[i - 1];
    std::vector<std::uint32_t> next = updates.first;
    std::vector<std::uint32_t> sorted(raw_.size());
    for (std::uint32_t i = 0; i < raw_.size(); ++i) sorted[next[place_[raw_[i].life]]++] = i;

    const std::vector<std::uint32_t> number = renumber_patterns();
    out_.values.resize(raw_values_.size());
    updates.pattern.resize(raw_.size());
    updates.frame.resize(raw_.size());
    updates.at_us.resize(raw_.size());
    std::uint64_t* value = out_.values.data();
    for (std::size_t place = 0; place < sorted.size(); ++place) {
      if (place + 2 * kUpdatesAhead < sorted.size()) {
        __builtin_prefetch(&raw_[sorted[place + 2 * kUpdatesAhead]]);
        __builtin_prefetch(&raw_values_[raw_[sorted[place + kUpdatesAhead]].first_value]);
      }
      const RawUpdate& update = raw_[sorted[place]];
      updates.pattern[place] = number[update.pattern];
      updates.frame[place] = update.frame;
      updates.at_us[place] = clock_.time_of(update.frame, update.at);
      const std::uint64_t* from = raw_values_.data() + update.first_value;
      const std::size_t size = updates.patterns[updates.pattern[place]].fields.size();
      // A handful: calling a function that copies would take as long again.
      for (std::size_t i = 0; i < size; ++i) *value++ = *from++;
    }
    out_.counts.updates = updates.size();
    out_.counts.patterns = updates.patterns.size();
  }

  const ChunkInput& input_;
  const ChunkClock& clock_;
  const KindLayout& layout_;
  Lives<T> out_;
  tsl::robin_map<std::uint64_t, std::uint32_t, KeyHash> alive_;
  tsl::robin_map<std::uint64_t, const Socket*, KeyHash> departed_;
  tsl::robin_set<std::uint64_t, KeyHash> seen_;  ///< keys that departed() was asked for
  PatternBook book_;
  Pattern pattern_;
  std::vector<RawUpdate> raw_;
  std::vector<std::uint64_t> raw_values_;
  std::vector<std::uint32_t> place_;  ///< of a life met, among those in order
  std::uint32_t frame_ = 0;
};

}  // namespace

template <class T>
std::span<const Life<T>> Lives<T>::of(LifeGroup group) const {
  const std::span<const Life<T>> all(lives);
  if (group == LifeGroup::ended) return all.first(counts.ended);
  if (group == LifeGroup::begun) return all.subspan(counts.ended, counts.begun);
  return all.subspan(counts.ended + counts.begun);
}

template <class T>
Result<Lives<T>> collect_lives(const ChunkInput& input, const ChunkClock& clock) {
  return Collector<T>(input, clock).collect();
}

#define NETREC_INSTANTIATE(T) \
  template struct Lives<T>;   \
  template Result<Lives<T>> collect_lives<T>(const ChunkInput&, const ChunkClock&);
NETREC_FOR_EACH_KIND(NETREC_INSTANTIATE)
#undef NETREC_INSTANTIATE

}  // namespace netrec
