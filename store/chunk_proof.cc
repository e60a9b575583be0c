#include "store/chunk_proof.h"

#include <algorithm>

#include "store/chunk_layout.h"
#include "store/chunk_outline.h"

namespace netrec {

namespace {

bool same(const Column& a, const Column& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

/// A writer that took up a session again knows the state a socket was in and since when, and not
/// those before; where retention dropped the beginning, it is the log that does not (`cut`).
bool same_states(std::span<const Transition> stored, std::span<const Transition> derived,
                 bool cut) {
  const std::size_t both = std::min(stored.size(), derived.size());
  if (both == 0 || (stored.size() > both && !cut)) return stored.size() == derived.size();
  stored = stored.last(both);
  derived = derived.last(both);
  return stored.front().state == derived.front().state &&
         std::equal(stored.begin() + 1, stored.end(), derived.begin() + 1);
}

template <class T>
Status compare_ended(const ChunkReader& stored, const ChunkReader& derived, bool cut) {
  const auto differs = [](std::string_view what) {
    return failure(ErrorKind::corrupt, "its rows of {} differ from its frames: {}",
                   EntityTraits<T>::name, what);
  };
  if (stored.rows<T>(LifeGroup::ended) != derived.rows<T>(LifeGroup::ended))
    return differs("how many ended");
  if (stored.rows<T>(LifeGroup::ended) == 0) return {};
  const auto fields = fields_of<T>();
  for (std::uint16_t field = 0; field < fields.size(); ++field) {
    NETREC_TRY(there, stored.column<T>(LifeGroup::ended, field));
    NETREC_TRY(wanted, derived.column<T>(LifeGroup::ended, field));
    if (!same(there, wanted)) return differs(fields[field].name);
  }
  NETREC_TRY(there, stored.ends<T>());
  NETREC_TRY(wanted, derived.ends<T>());
  if (!same(there.closed_us, wanted.closed_us) ||
      !same(there.closed_after_us, wanted.closed_after_us) || there.reason != wanted.reason)
    return differs("when they ended");
  if constexpr (std::is_same_v<T, Socket>) {
    NETREC_TRY(states, stored.transitions(LifeGroup::ended));
    NETREC_TRY(wanted_states, derived.transitions(LifeGroup::ended));
    for (std::size_t row = 0; row < stored.rows<T>(LifeGroup::ended); ++row)
      if (!same_states(states.of(row), wanted_states.of(row), cut)) return differs("states");
  }
  return {};
}

template <class T>
Status compare_names(const Snapshot& stored, const Snapshot& derived) {
  for (const T& row : derived.of<T>()) {
    const T* there = stored.of<T>().find(key_of(row));
    if (there == nullptr || !(*there == row))
      return failure(ErrorKind::corrupt, "its {} {} is not what the frames say",
                     EntityTraits<T>::name, key_of(row));
  }
  return {};
}

/// True if a search that what ended lets in is let in by `stored` too. Compared as they would be
/// written: older headers have filters.
bool same_outline(const Outline& stored, const Outline& derived, const SearchKeys& keys) {
  Outline wanted = derived;
  add_filters(keys, wanted);
  const auto filters = stored.filters();
  for (std::size_t i = 0; i < filters.size(); ++i)
    if (filters[i]->holds_anything()) *wanted.filters()[i] = KeyFilter::anything();
  std::string a;
  std::string b;
  stored.encode(a);
  wanted.encode(b);
  return a == b;
}

}  // namespace

Result<ChunkProof> ChunkProof::open(const Database& database) {
  NETREC_TRY(row, database.prepare("SELECT last_sequence, header, body FROM chunk"
                                   " WHERE first_sequence = ?"));
  NETREC_TRY(search, SearchProof::open(database));
  return ChunkProof(std::move(row), std::move(search));
}

// Is `sequence` the first of a chunk?
Status ChunkProof::begin_chunk(std::uint64_t sequence) {
  NETREC_TRY(found, row_.first(sequence));
  if (found) {
    first_ = sequence;
    last_ = static_cast<std::uint64_t>(row_.integer(0));
    previous_wall_ = wall_;
  }
  row_.reset();
  return {};
}

Status ChunkProof::follow(const FrameCursor& cursor) {
  const Frame& frame = cursor.frame();
  if (cursor.begins_session() || (frame.kind == FrameKind::keyframe && wall_ == WallTime{})) {
    carry_.begin(cursor.snapshot());
    cut_ = !cursor.begins_session();
    session_ = 0;
    for (const Session& row : cursor.snapshot().of<Session>())
      session_ = std::max(session_, row.id);
  }
  if (frame.kind == FrameKind::delta) {
    if (first_ == 0) NETREC_CHECKED(begin_chunk(frame.sequence));
    if (first_ != 0) {
      frames_.push_back(frame);
      departed_.insert(departed_.end(), cursor.departed().begin(), cursor.departed().end());
      if (frame.sequence == last_) NETREC_CHECKED(check_chunk());
    }
  }
  wall_ = frame.wall;
  return {};
}

Status ChunkProof::check_chunk() {
  auto checked = [&]() -> Status {
    NETREC_TRY(encoded, encode_chunk({.session = session_,
                                      .first_sequence = first_,
                                      .last_sequence = last_,
                                      .previous_wall = previous_wall_,
                                      .frames = frames_,
                                      .departed = departed_,
                                      .carry = &carry_}));
    NETREC_TRY(derived, ChunkReader::open(encoded.header, encoded.body));
    NETREC_CHECKED(search_.add(derived.header(), encoded.keys));
    NETREC_TRY(found, row_.first(first_));
    if (!found) return failure(ErrorKind::corrupt, "it is gone");
    NETREC_TRY(stored, ChunkReader::open(row_.bytes(1), row_.bytes(2)));
    return compare(stored, derived, encoded.keys);
  }();
  row_.reset();
  if (!checked && checked.error().kind != ErrorKind::corrupt) return checked;
  if (!checked)
    damage_.push_back({.first_sequence = first_,
                       .last_sequence = last_,
                       .from = frames_.front().wall,
                       .to = frames_.back().wall,
                       .what = fmt::format("chunk {}: {}", first_, checked.error().message)});
  // Gone through once more, not as the chunk told them: whoever sealed did the other.
  carry_.advance(frames_, previous_wall_, nullptr);
  first_ = last_ = 0;
  frames_.clear();
  departed_.clear();
  return {};
}

Status ChunkProof::compare(const ChunkReader& stored, const ChunkReader& derived,
                           const SearchKeys& keys) const {
  const ChunkHeader& header = stored.header();
  if (header.session != derived.header().session)
    return failure(ErrorKind::corrupt, "it names session {} and is of {}", header.session,
                   derived.header().session);
  if (header.first_opened_us != derived.header().first_opened_us ||
      !same_outline(header.outline, derived.header().outline, keys))
    return failure(ErrorKind::corrupt, "its header hides what its rows hold");
  Status status;
  for_each_kind([&]<class T>() {
    if (status) status = compare_ended<T>(stored, derived, cut_);
  });
  NETREC_CHECKED(status);
  NETREC_TRY(names, stored.names());
  NETREC_TRY(wanted, derived.names());
  NETREC_CHECKED(compare_names<Text>(names, wanted));
  NETREC_CHECKED(compare_names<User>(names, wanted));
  NETREC_CHECKED(compare_names<NetworkNamespace>(names, wanted));
  return compare_names<Process>(names, wanted);
}

}  // namespace netrec
