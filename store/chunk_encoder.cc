// The second half of sealing: lives as columns. What each column holds is said at Role.
#include <algorithm>
#include <type_traits>

#include "store/checksum.h"
#include "store/chunk_blob.h"
#include "store/chunk_lives.h"
#include "store/chunk_names.h"
#include "store/chunk_outline.h"
#include "store/chunk_tuples.h"
#include "store/frame_codec.h"

namespace netrec {

namespace {

/// Collects columns as they come; lays them out by id.
class ColumnWriter {
 public:
  /// A column of zeros is left out.
  void put(ColumnId id, const Column& values) {
    if (std::any_of(values.begin(), values.end(), [](std::uint64_t value) { return value != 0; }))
      columns_.emplace_back(id, encode_column(values));
  }
  void put_blob(ColumnId id, std::string_view bytes) {
    if (!bytes.empty()) columns_.emplace_back(id, encode_blob(bytes));
  }

  std::string lay_out(ChunkHeader& header) {
    std::sort(columns_.begin(), columns_.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    std::string body;
    for (const auto& [id, bytes] : columns_) {
      header.directory.push_back({id, body.size(), bytes.size(), checksum(bytes)});
      body += bytes;
    }
    return body;
  }

 private:
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
        changes_(changes_by_field(lives.updates, layout_)) {}

  void encode() {
    for (const LifeGroup group : {LifeGroup::ended, LifeGroup::begun}) {
      put_rows(group);
      put_open_frames(group);
      put_texts(group);
    }
    put_ends();
    put_ongoing();
    for (std::uint16_t field = 0; field < layout_.codings.size(); ++field) put_changes(field);
    put_updates();
    if constexpr (std::is_same_v<T, Socket>) put_earlier_transitions();
    out_.put_blob(id(Role::irregular), lives_.irregular);
  }

  /// A field of the lives of `group`, as of its end or the chunk's.
  Column final_values(LifeGroup group, std::uint16_t field) const {
    const auto rows = lives_.of(group);
    const std::size_t offset = group == LifeGroup::ended ? 0 : lives_.counts.ended;
    const auto get = fields_of<T>()[field].get;
    Column values;
    values.reserve(rows.size());
    for (const Life<T>& life : rows) values.push_back(get(*life.origin));
    for_each_life(changes_[field].occurrences, [&](const Occurrence*, const Occurrence* end) {
      const std::size_t row = end[-1].life - offset;
      if (end[-1].life >= offset && row < values.size())
        values[row] = lives_.values[end[-1].change];
    });
    return values;
  }

 private:
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
           final_values(group, static_cast<std::uint16_t>(layout_.opening)))
        times[at++] = value;
    return times;
  }

  void put_rows(LifeGroup group) {
    const auto rows = lives_.of(group);
    if (rows.empty()) return;
    const std::vector<bool> placed = put_tuples(group);
    for (std::uint16_t field = 0; field < layout_.codings.size(); ++field) {
      if (placed[field]) continue;
      Column values = final_values(group, field);
      if (layout_.codings[field] == Coding::opening && group == LifeGroup::ended)
        for (std::size_t i = 0; i < rows.size(); ++i)
          values[i] = zigzag(end_us(rows[i]) - values[i]);
      if (layout_.is_instant(field)) code_instants(group, field, values);
      out_.put(id(Role::value, number(group), field), values);
    }
  }

  /// Instants that changed are told by their updates; the others against the beginning.
  void code_instants(LifeGroup group, std::uint16_t field, Column& values) const {
    const std::size_t offset = group == LifeGroup::ended ? 0 : lives_.counts.ended;
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = instant_code(values[i], beginnings_[offset + i], layout_.codings[field]);
    for (const Occurrence& occurrence : changes_[field].occurrences)
      if (occurrence.life >= offset && occurrence.life - offset < values.size())
        values[occurrence.life - offset] = 0;
  }

  std::vector<bool> put_tuples(LifeGroup group) {
    std::vector<bool> placed(layout_.codings.size());
    for (std::size_t number_of_tuple = 0; number_of_tuple < layout_.tuples.size();
         ++number_of_tuple) {
      std::vector<std::uint16_t> fields;
      std::vector<Column> columns;
      for (const std::uint16_t field : layout_.tuples[number_of_tuple]) {
        if (placed[field]) continue;
        fields.push_back(field);
        columns.push_back(final_values(group, field));
      }
      const auto tuples = find_tuples(columns);
      if (!tuples) continue;
      out_.put(id(Role::tuple, number(group), static_cast<std::uint16_t>(number_of_tuple)),
               tuples->row);
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
    Column before, frame, at, reason;
    for (const Life<T>& life : lives_.of(LifeGroup::ended)) {
      before.push_back(life.opened_here() ? 0 : 1);
      frame.push_back(life.close_frame);
      at.push_back(life.close_at);
      reason.push_back(static_cast<std::uint64_t>(life.reason));
    }
    out_.put(id(Role::opened_before), before);
    out_.put(id(Role::close_frame), frame);
    out_.put(id(Role::close_at), at);
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

  void put_changes(std::uint16_t field) {
    const Coding coding = layout_.codings[field];
    const auto& descriptor = fields_of<T>()[field];
    Column initial, last, steps(changes_[field].steps);
    for_each_life(changes_[field].occurrences, [&](const Occurrence* begin, const Occurrence* end) {
      const Life<T>& life = lives_.lives[begin->life];
      if (life.opened_here()) {
        const std::uint64_t value = descriptor.get(*life.origin);
        initial.push_back(layout_.is_instant(field)
                              ? instant_code(value, beginnings_[begin->life], coding)
                              : value);
      } else if (life.group() == LifeGroup::ongoing && has_last(coding)) {
        last.push_back(lives_.values[end[-1].change]);
      }
      for (const Occurrence* now = begin; now != end; ++now)
        if (now->step != Occurrence::kNoStep)
          steps[now->step] = step_of(*now, coding, descriptor.kind);
    });
    out_.put(id(Role::initial, 0, field), initial);
    out_.put(id(Role::last, 0, field), last);
    out_.put(id(Role::step, 0, field), steps);
  }

  /// Not the steering field, nor instants: their updates tell every value.
  static bool has_last(Coding coding) {
    return coding == Coding::number || coding == Coding::opening;
  }

  std::uint64_t step_of(const Occurrence& now, Coding coding, FieldKind kind) const {
    const std::uint64_t value = lives_.values[now.change];
    if (!has_last(coding)) return instant_code(value, lives_.updates.at_us[now.update], coding);
    const std::uint64_t before = lives_.values[(&now)[-1].change];
    return kind == FieldKind::counter ? value - before : zigzag(value - before);
  }

  void put_updates() {
    const Updates& updates = lives_.updates;
    Column count, pattern(updates.pattern.begin(), updates.pattern.end());
    for (std::size_t i = 0; i + 1 < updates.first.size(); ++i)
      count.push_back(updates.first[i + 1] - updates.first[i]);
    out_.put(id(Role::update_count), count);
    out_.put(id(Role::update_pattern), pattern);
    out_.put_blob(id(Role::patterns), encode_patterns(updates.patterns, layout_));

    std::vector<Column> exact(updates.patterns.size());
    std::vector<Column> lag(updates.patterns.size());
    std::vector<Column> tick(updates.patterns.size());
    for (std::size_t l = 0; l < lives_.lives.size(); ++l) {
      std::uint64_t frame = lives_.lives[l].opened_here() ? lives_.lives[l].open_frame : 0;
      std::uint64_t time_us = beginnings_[l];
      if (!lives_.lives[l].opened_here()) time_us = clock_.wall_us(0);
      for (std::size_t u = updates.first[l]; u < updates.first[l + 1]; ++u) {
        const std::uint32_t p = updates.pattern[u];
        if (updates.patterns[p].exact) {
          exact[p].push_back(zigzag(updates.at_us[u] - time_us));
          lag[p].push_back(clock_.lag_of(updates.frame[u], updates.at_us[u]));
        } else {
          tick[p].push_back(updates.frame[u] - frame);
        }
        frame = updates.frame[u];
        time_us = updates.at_us[u];
      }
    }
    out_.put(id(Role::exact_when), joined(exact));
    out_.put(id(Role::exact_lag), joined(lag));
    out_.put(id(Role::tick_when), joined(tick));
  }

  static Column joined(const std::vector<Column>& parts) {
    Column all;
    for (const Column& part : parts) all.insert(all.end(), part.begin(), part.end());
    return all;
  }

  void put_earlier_transitions() {
    Column count, at, after, state;
    const auto rows = lives_.of(LifeGroup::ended);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      std::vector<Transition> earlier;
      if (carry_ != nullptr && !rows[i].opened_here()) earlier = carry_->transitions(rows[i].key);
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
  const std::vector<FieldChanges> changes_;
  const Column beginnings_ = beginnings();
};

Status check(const ChunkInput& input) {
  if (input.frames.empty() || input.frames.size() > kMostChunkFrames)
    return failure(ErrorKind::invalid_argument, "a chunk of {} frames", input.frames.size());
  std::uint64_t last = 0;
  for (const Frame& frame : input.frames) {
    const bool in_order = frame.sequence > last && frame.sequence >= input.first_sequence &&
                          frame.sequence <= input.last_sequence;
    if (!in_order || frame.kind != FrameKind::delta || !is_canonical(frame.delta))
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
    if (lives->counts.ended == 0) return;
    const auto values = [&](std::uint16_t field) {
      return encoder.final_values(LifeGroup::ended, field);
    };
    outline.add<T>(values);
    gatherer.add<T>(values);
  });
  NETREC_CHECKED(status);
  const ChunkNames names = gatherer.finish();
  outline.add_names(names.all, names.remote_names);
  if (!names.restated.empty())
    out.put_blob({.role = static_cast<std::uint8_t>(Role::names)}, encode_delta(names.restated));
  header.outline = outline.finish(header.first_opened_us);
  EncodedChunk chunk;
  chunk.body = out.lay_out(header);
  chunk.header = header.encode();
  return chunk;
}

}  // namespace netrec
