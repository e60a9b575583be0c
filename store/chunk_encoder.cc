// The second half of sealing: lives as columns. What each column holds is said at Role.
#include <algorithm>
#include <type_traits>

#include "store/change_columns.h"
#include "store/chunk_blob.h"
#include "store/chunk_lives.h"
#include "store/chunk_names.h"
#include "store/chunk_outline.h"
#include "store/chunk_tuples.h"
#include "store/frame_codec.h"
#include "store/row_columns.h"

namespace netrec {

namespace {

/// Collects columns as they come; lays them out by id.
class ColumnWriter {
 public:
  /// A column of zeros is left out.
  void put(ColumnId id, const Column& values, ColumnUse use = ColumnUse::read) {
    if (!is_zero(values)) columns_.emplace_back(id, encode_column(values, use));
  }
  /// The smaller one of several ways to say the same.
  void put_smallest(const std::vector<std::pair<ColumnId, const Column*>>& candidates) {
    std::pair<ColumnId, std::string> best;
    for (const auto& [id, values] : candidates) {
      if (is_zero(*values)) {
        // Left out, zeros would be those of the plain column.
        if (id == candidates.front().first) return;
        columns_.emplace_back(id, encode_column(*values));
        return;
      }
      std::string bytes = encode_column(*values);
      if (best.second.empty() || bytes.size() < best.second.size()) best = {id, std::move(bytes)};
    }
    columns_.push_back(std::move(best));
  }
  void put_blob(ColumnId id, std::string_view bytes) {
    if (!bytes.empty()) columns_.emplace_back(id, encode_blob(bytes));
  }

  std::string lay_out(ChunkHeader& header) {
    std::sort(columns_.begin(), columns_.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    std::string body;
    for (const auto& [id, bytes] : columns_) {
      header.directory.push_back({id, body.size(), bytes.size(), header.column_checksum(bytes)});
      body += bytes;
    }
    return body;
  }

 private:
  static bool is_zero(const Column& values) {
    return std::all_of(values.begin(), values.end(),
                       [](std::uint64_t value) { return value == 0; });
  }

  std::vector<std::pair<ColumnId, std::string>> columns_;
};

template <class T>
class KindEncoder {
 public:
  KindEncoder(const Lives<T>& lives, const ChunkClock& clock, const ChunkCarry* carry,
              ColumnWriter& out)
      : lives_(lives),
        clock_(clock),
        carry_(carry),
        out_(out),
        layout_(layout_of<T>()),
        ended_(lives.of(LifeGroup::ended)),
        begun_(lives.of(LifeGroup::begun)),
        changes_(lives, layout_, ended_, begun_) {}

  void encode() {
    for (const LifeGroup group : {LifeGroup::ended, LifeGroup::begun}) {
      put_rows(group);
      put_open_frames(group);
      put_texts(group);
    }
    put_ends();
    put_ongoing();
    put_changes();
    put_updates();
    if constexpr (std::is_same_v<T, Socket>) put_earlier_transitions();
    out_.put_blob(id(Role::irregular), lives_.irregular);
  }

  /// A field of the lives that ended, as of their end.
  const Column& ended(std::uint16_t field) const { return ended_.last(field); }

  /// The states that the sockets went through in the chunk.
  TransitionNews transitions() const {
    TransitionNews news;
    if constexpr (std::is_same_v<T, Socket>) {
      std::vector<bool> has_state;
      for (const Pattern& pattern : lives_.updates.patterns)
        has_state.push_back(std::binary_search(pattern.fields.begin(), pattern.fields.end(),
                                               static_cast<std::uint16_t>(layout_.steering)));
      news.sockets.reserve(lives_.counts.begun + lives_.counts.ongoing);
      for (std::size_t i = 0; i < lives_.lives.size(); ++i) add_news(i, has_state, news);
    }
    return news;
  }

 private:
  void add_news(std::size_t i, const std::vector<bool>& has_state, TransitionNews& news) const {
    const Life<Socket>& life = lives_.lives[i];
    if (life.closed_here()) {
      if (!life.opened_here()) news.closed.push_back(life.key);
      return;
    }
    const std::size_t before = news.transitions.size();
    if (life.opened_here())
      news.transitions.push_back({.at_us = life.origin->opened_us,
                                  .after_us = life.origin->opened_after_us,
                                  .state = life.origin->state});
    const Updates& updates = lives_.updates;
    for (std::size_t u = updates.first[i]; u < updates.first[i + 1]; ++u) {
      const std::uint32_t p = updates.pattern[u];
      if (!has_state[p]) continue;
      const Pattern& pattern = updates.patterns[p];
      const std::uint64_t at_us = updates.at_us[u];
      const std::uint64_t before_us = clock_.before_us(updates.frame[u]);
      news.transitions.push_back({.at_us = at_us,
                                  .after_us = pattern.exact ? at_us : before_us,
                                  .state = static_cast<TcpState>(pattern.steering)});
    }
    const auto count = static_cast<std::uint32_t>(news.transitions.size() - before);
    if (count > 0) news.sockets.push_back({life.key, count, life.opened_here()});
  }

  static ColumnId id(Role role, std::size_t add = 0, std::uint16_t field = 0) {
    return column_id<T>(role, add, field);
  }
  static std::size_t number(LifeGroup group) { return static_cast<std::size_t>(group); }

  std::uint64_t end_us(const Life<T>& life) const {
    return clock_.time_of(life.close_frame, life.close_at);
  }

  /// When each life of the chunk began; of those opened before (and not known), when the chunk did.
  Column beginnings() const {
    Column times(lives_.lives.size(), clock_.wall_us(0));
    for (std::size_t i = 0; i < times.size(); ++i)
      if (lives_.lives[i].opened_here()) times[i] = clock_.wall_us(lives_.lives[i].open_frame);
    if (layout_.opening < 0) return times;
    std::size_t at = 0;
    for (const LifeGroup group : {LifeGroup::ended, LifeGroup::begun})
      for (const std::uint64_t value :
           rows_of(group).last(static_cast<std::size_t>(layout_.opening)))
        times[at++] = value;
    return times;
  }

  const RowColumns<T>& rows_of(LifeGroup group) const {
    return group == LifeGroup::ended ? ended_ : begun_;
  }

  void put_rows(LifeGroup group) {
    if (lives_.of(group).empty()) return;
    const std::vector<bool> placed = put_tuples(group);
    for (std::uint16_t field = 0; field < placed.size(); ++field)
      if (!placed[field] && !is_unsaid(group, field)) put_row_field(group, field);
  }

  /// There is nothing to say of it.
  bool is_unsaid(LifeGroup group, std::uint16_t field) const {
    return layout_.codings[field] != Coding::opening && rows_of(group).is_zero(field);
  }

  void put_row_field(LifeGroup group, std::uint16_t field) {
    const Column& values = rows_of(group).last(field);
    const bool is_opening = layout_.codings[field] == Coding::opening && group == LifeGroup::ended;
    if (!is_opening && !layout_.is_instant(field)) return put_field(group, field, values);
    Column coded = values;
    if (is_opening)
      for (std::size_t i = 0; i < coded.size(); ++i)
        coded[i] = zigzag(first_event_us(i) - coded[i]);
    if (layout_.is_instant(field)) code_instants(group, field, coded);
    put_field(group, field, coded);
  }

  /// When the first thing after its opening happened to a life that ended: an update, or its end.
  std::uint64_t first_event_us(std::size_t life) const {
    const std::uint32_t first = lives_.updates.first[life];
    return first < lives_.updates.first[life + 1] ? lives_.updates.at_us[first]
                                                  : end_us(lives_.lives[life]);
  }

  void put_field(LifeGroup group, std::uint16_t field, const Column& values) {
    std::vector<std::pair<ColumnId, const Column*>> ways;
    ways.emplace_back(id(Role::value, number(group), field), &values);
    Column sorted, relative;
    if (layout_.grows[field] && group == LifeGroup::ended) {
      sorted.resize(values.size());
      if (order_.empty()) order_ = order_of_opening(std::span(beginnings_).first(values.size()));
      for (std::size_t i = 0; i < order_.size(); ++i) sorted[i] = values[order_[i]];
      ways.emplace_back(id(Role::by_opening, 0, field), &sorted);
    }
    if (const int other = layout_.relative_to[field]; other >= 0) {
      relative = rows_of(group).last(static_cast<std::size_t>(other));
      for (std::size_t i = 0; i < values.size(); ++i) relative[i] = zigzag(values[i] - relative[i]);
      ways.emplace_back(id(Role::relative, number(group), field), &relative);
    }
    out_.put_smallest(ways);
  }

  /// Instants that changed are told by their updates; the others against the beginning.
  void code_instants(LifeGroup group, std::uint16_t field, Column& values) const {
    const std::size_t offset = group == LifeGroup::ended ? 0 : lives_.counts.ended;
    const Column& anchors =
        static_cast<int>(field) == layout_.opened_after ? beginnings_ : anchors_;
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = instant_code(values[i], anchors[offset + i], layout_.codings[field]);
    for (const std::uint32_t life : changes_.lives_of(field))
      if (life >= offset && life - offset < values.size()) values[life - offset] = 0;
  }

  /// What instants that did not change in the chunk are told against: of a socket opened before it,
  /// the last transition it had.
  Column anchors() const {
    Column times = beginnings_;
    if constexpr (std::is_same_v<T, Socket>)
      for (std::size_t i = 0; i < lives_.counts.ended; ++i)
        if (const auto earlier = earlier_.of(i); !earlier.empty()) times[i] = earlier.back().at_us;
    return times;
  }

  /// Of those that ended: the states they went through in earlier chunks.
  TransitionColumns earlier_transitions() const {
    TransitionColumns earlier;
    if constexpr (std::is_same_v<T, Socket>) {
      earlier.first.reserve(lives_.counts.ended + 1);
      for (const Life<T>& life : lives_.of(LifeGroup::ended)) {
        earlier.first.push_back(static_cast<std::uint32_t>(earlier.transitions.size()));
        if (carry_ != nullptr && !life.opened_here())
          carry_->list_transitions(life.key, earlier.transitions);
      }
      earlier.first.push_back(static_cast<std::uint32_t>(earlier.transitions.size()));
    }
    return earlier;
  }

  std::vector<bool> put_tuples(LifeGroup group) {
    std::vector<bool> placed(layout_.codings.size());
    for (std::size_t number_of_tuple = 0; number_of_tuple < layout_.tuples.size();
         ++number_of_tuple) {
      std::vector<std::uint16_t> fields;
      std::vector<const Column*> columns;
      for (const std::uint16_t field : layout_.tuples[number_of_tuple]) {
        if (placed[field]) continue;
        fields.push_back(field);
        columns.push_back(&rows_of(group).last(field));
      }
      // The first one has the remote port in it, which clients choose at random: unless it is
      // clearly good, the next, without it, is better.
      const auto tuples = find_tuples(columns, number_of_tuple == 0 ? 4 : 2);
      if (!tuples) continue;
      const auto tuple = static_cast<std::uint16_t>(number_of_tuple);
      out_.put(id(Role::tuple, number(group), tuple), tuples->row, ColumnUse::search);
      out_.put(id(Role::tuples, number(group), tuple), Column{tuples->values[0].size()});
      for (std::size_t i = 0; i < fields.size(); ++i) {
        placed[fields[i]] = true;
        out_.put(id(Role::tuple_value, 2 * number_of_tuple + number(group), fields[i]),
                 tuples->values[i]);
      }
    }
    return placed;
  }

  void put_open_frames(LifeGroup group) {
    const auto rows = lives_.of(group);
    const std::size_t offset = group == LifeGroup::ended ? 0 : lives_.counts.ended;
    Column frames;
    frames.reserve(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      std::uint64_t frame = rows[i].open_frame;
      if (!rows[i].opened_here())
        frame = 0;
      else if (layout_.opening >= 0)
        frame = clock_.lag_of(frame, beginnings_[offset + i]);
      else if (group == LifeGroup::ended)
        frame = rows[i].close_frame - frame;
      frames.push_back(frame);
    }
    out_.put(id(Role::open_frame, number(group)), frames);
  }

  void put_texts(LifeGroup group) {
    if constexpr (std::is_same_v<T, Text>) {
      Column lengths;
      std::string bytes;
      for (const Life<Text>& life : lives_.of(group)) {
        lengths.push_back(life.origin->bytes.size());
        bytes += life.origin->bytes;
      }
      out_.put(id(Role::text_length, number(group)), lengths);
      out_.put_blob(id(Role::text_bytes, number(group)), bytes);
    }
  }

  void put_ends() {
    Column before, lag, when, exact, reason;
    for (Column* column : {&before, &lag, &when, &exact, &reason})
      column->reserve(lives_.counts.ended);
    for (const Life<T>& life : lives_.of(LifeGroup::ended)) {
      before.push_back(life.opened_here() ? 0 : 1);
      lag.push_back(clock_.lag_of(life.close_frame, end_us(life)));
      when.push_back(end_us(life) - clock_.before_us(0));
      exact.push_back(life.close_at == 0 ? 0 : 1);
      reason.push_back(static_cast<std::uint64_t>(life.reason));
    }
    out_.put(id(Role::opened_before), before);
    out_.put(id(Role::close_lag), lag);
    out_.put(id(Role::close_when), when);
    out_.put(id(Role::close_exact), exact);
    out_.put(id(Role::close_reason), reason);
  }

  void put_ongoing() {
    Column key, close, at, reason;
    for (const Life<T>& life : lives_.of(LifeGroup::ongoing)) {
      key.push_back(life.key);
      close.push_back(life.closed_here() ? std::uint64_t{life.close_frame} + 1 : 0);
      if (!life.closed_here()) continue;
      at.push_back(life.close_at);
      reason.push_back(static_cast<std::uint64_t>(life.reason));
    }
    out_.put(id(Role::key), key);
    out_.put(id(Role::ongoing_close), close);
    out_.put(id(Role::ongoing_at), at);
    out_.put(id(Role::ongoing_reason), reason);
  }

  void put_changes() {
    const auto changes = std::move(changes_).columns(ended_, begun_, beginnings_);
    for (std::uint16_t field = 0; field < changes.size(); ++field) {
      out_.put(id(Role::initial, 0, field), changes[field].initial);
      out_.put(id(Role::last, 0, field), changes[field].last);
      out_.put(id(Role::step, 0, field), changes[field].steps);
    }
  }

  void put_updates() {
    const Updates& updates = lives_.updates;
    Column count, pattern(updates.pattern.begin(), updates.pattern.end());
    count.reserve(updates.lives());
    for (std::size_t i = 0; i + 1 < updates.first.size(); ++i)
      count.push_back(updates.first[i + 1] - updates.first[i]);
    out_.put(id(Role::update_count), count);
    out_.put(id(Role::update_pattern), pattern);
    out_.put_blob(id(Role::patterns), encode_patterns(updates.patterns, layout_));

    Times times(updates.patterns.size());
    for (std::size_t life = lives_.counts.ended; life < lives_.lives.size(); ++life)
      add_times(life, times);
    out_.put(id(Role::exact_when), joined(times.exact));
    out_.put(id(Role::exact_lag), joined(times.lag));
    out_.put(id(Role::tick_when), joined(times.tick));

    Times gaps(updates.patterns.size());
    for (std::size_t life = 0; life < lives_.counts.ended; ++life) add_gaps(life, gaps);
    out_.put(id(Role::exact_lag, 0, kRarePatterns), joined(gaps.lag));
    out_.put(id(Role::gap_tick), joined(gaps.tick));
    for (std::uint16_t p = 0; p < std::min<std::size_t>(gaps.exact.size(), kRarePatterns); ++p) {
      if (gaps.exact[p].size() < kFewestOfAPattern) continue;
      out_.put(id(Role::gap_exact, 0, p), gaps.exact[p]);
      gaps.exact[p].clear();
    }
    out_.put(id(Role::gap_exact, 0, kRarePatterns), joined(gaps.exact));
  }

  /// By pattern.
  struct Times {
    explicit Times(std::size_t patterns) : exact(patterns), lag(patterns), tick(patterns) {}
    std::vector<Column> exact, lag, tick;
  };

  void add(std::size_t update, std::uint64_t distance_us, std::uint64_t distance_frames,
           Times& times) const {
    const Updates& updates = lives_.updates;
    const std::uint32_t p = updates.pattern[update];
    if (updates.patterns[p].exact) {
      times.exact[p].push_back(zigzag(distance_us));
      times.lag[p].push_back(clock_.lag_of(updates.frame[update], updates.at_us[update]));
    } else {
      times.tick[p].push_back(distance_frames);
    }
  }

  /// Each update as its distance from the event before.
  void add_times(std::size_t l, Times& times) const {
    const Updates& updates = lives_.updates;
    const bool opened_here = lives_.lives[l].opened_here();
    std::uint64_t frame = opened_here ? lives_.lives[l].open_frame : 0;
    std::uint64_t time_us = opened_here ? beginnings_[l] : clock_.wall_us(0);
    for (std::size_t u = updates.first[l]; u < updates.first[l + 1]; ++u) {
      add(u, updates.at_us[u] - time_us, updates.frame[u] - frame, times);
      frame = updates.frame[u];
      time_us = updates.at_us[u];
    }
  }

  /// Each update of a life that ended as its distance to the event after: the last one's is often
  /// nothing, or what the kernel's timer says.
  void add_gaps(std::size_t l, Times& gaps) const {
    const Updates& updates = lives_.updates;
    for (std::size_t u = updates.first[l]; u < updates.first[l + 1]; ++u) {
      const bool last = u + 1 == updates.first[l + 1];
      const std::uint64_t next_us = last ? end_us(lives_.lives[l]) : updates.at_us[u + 1];
      const std::uint64_t next_frame = last ? lives_.lives[l].close_frame : updates.frame[u + 1];
      add(u, next_us - updates.at_us[u], next_frame - updates.frame[u], gaps);
    }
  }

  static Column joined(const std::vector<Column>& parts) {
    std::size_t size = 0;
    for (const Column& part : parts) size += part.size();
    Column all;
    all.reserve(size);
    for (const Column& part : parts) all.insert(all.end(), part.begin(), part.end());
    return all;
  }

  void put_earlier_transitions() {
    Column count, at, after, state;
    count.reserve(lives_.counts.ended);
    for (Column* column : {&at, &after, &state}) column->reserve(earlier_.transitions.size());
    for (std::size_t i = 0; i < lives_.counts.ended; ++i) {
      const auto earlier = earlier_.of(i);
      count.push_back(earlier.size());
      std::uint64_t before_us = beginnings_[i];
      for (const Transition& transition : earlier) {
        at.push_back(zigzag(transition.at_us - before_us));
        after.push_back(instant_code(transition.after_us, transition.at_us, Coding::instant_us));
        state.push_back(static_cast<std::uint64_t>(transition.state));
        before_us = transition.at_us;
      }
    }
    out_.put(id(Role::earlier_count), count);
    out_.put(id(Role::earlier_at), at);
    out_.put(id(Role::earlier_after), after);
    out_.put(id(Role::earlier_state), state);
  }

  const Lives<T>& lives_;
  const ChunkClock& clock_;
  const ChunkCarry* carry_;
  ColumnWriter& out_;
  const KindLayout& layout_;
  RowColumns<T> ended_, begun_;
  ChangeColumns<T> changes_;
  const Column beginnings_ = beginnings();
  const TransitionColumns earlier_ = earlier_transitions();
  const Column anchors_ = anchors();
  std::vector<std::uint32_t> order_;  ///< of those that ended, by their opening; made when needed
};

Status check(const ChunkInput& input) {
  if (input.frames.empty() || input.frames.size() > kMostChunkFrames)
    return failure(ErrorKind::invalid_argument, "a chunk of {} frames", input.frames.size());
  std::uint64_t last = 0;
  for (const Frame& frame : input.frames) {
    const bool in_order = frame.sequence > last && frame.sequence >= input.first_sequence &&
                          frame.sequence <= input.last_sequence;
    if (!in_order || frame.kind != FrameKind::delta)
      return failure(ErrorKind::invalid_argument, "frame {} cannot be sealed", frame.sequence);
    last = frame.sequence;
  }
  return {};
}

Column put_frames(const ChunkInput& input, ColumnWriter& out) {
  Column sequence, wall, boot;
  for (const Frame& frame : input.frames) {
    sequence.push_back(frame.sequence - input.first_sequence);
    wall.push_back(wall_us(frame.wall));
    // The two clocks run alike: only what they drift apart is kept.
    boot.push_back(zigzag(static_cast<std::uint64_t>(frame.boot.count()) - wall.back()));
  }
  out.put({.role = static_cast<std::uint8_t>(Role::frame), .field = 0}, sequence);
  out.put({.role = static_cast<std::uint8_t>(Role::frame), .field = 1}, wall);
  out.put({.role = static_cast<std::uint8_t>(Role::frame), .field = 2}, boot);
  return wall;
}

}  // namespace

Result<EncodedChunk> encode_chunk(const ChunkInput& input) {
  NETREC_CHECKED(check(input));
  ColumnWriter out;
  ChunkHeader header;
  header.session = input.session;
  header.first_sequence = input.first_sequence;
  header.last_sequence = input.last_sequence;
  header.frames = input.frames.size();
  header.previous_wall_us = wall_us(input.previous_wall);
  const Column walls = put_frames(input, out);
  header.first_wall_us = *std::min_element(walls.begin(), walls.end());
  header.last_wall_us = *std::max_element(walls.begin(), walls.end());
  const ChunkClock clock(walls, header.previous_wall_us);

  Status status;
  EncodedChunk chunk;
  OutlineBuilder outline;
  NameGatherer gatherer(input);
  for_each_kind([&]<class T>() {
    if (!status) return;
    auto lives = collect_lives<T>(input, clock);
    if (!lives) {
      status = tl::unexpected(std::move(lives).error());
      return;
    }
    KindEncoder<T> encoder(*lives, clock, input.carry, out);
    encoder.encode();
    header.kinds[static_cast<std::size_t>(EntityTraits<T>::kind)] = lives->counts;
    if constexpr (std::is_same_v<T, Socket>) chunk.transitions = encoder.transitions();
    if (lives->counts.ended == 0) return;
    const auto fields = [&](std::uint16_t field) -> const Column& { return encoder.ended(field); };
    outline.add<T>(fields);
    gatherer.add<T>(fields);
  });
  NETREC_CHECKED(status);
  const ChunkNames names = gatherer.finish();
  outline.add_names(names.all, names.remote_names);
  if (!names.restated.empty())
    out.put_blob({.role = static_cast<std::uint8_t>(Role::names)}, encode_delta(names.restated));
  OutlineBuilder::Gathered gathered = outline.finish();
  header.outline = std::move(gathered.outline);
  header.first_opened_us = gathered.first_opened_us;
  chunk.keys = std::move(gathered.keys);
  chunk.body = out.lay_out(header);
  chunk.header = header.encode();
  return chunk;
}

}  // namespace netrec
