#include <algorithm>
#include <memory>

#include "store/frame_codec.h"
#include "store/log_reader.h"
#include "store/memory.h"
#include "store/timeline.h"

namespace netrec {

namespace {

/// More rows of one kind, or bytes of text, than this is not a host but an attack.
constexpr std::size_t kMostRows = 2 * kMostOpened;

// What a keyframe says. REQUIRES: it was decoded, by which no key is told twice.
Result<std::shared_ptr<Snapshot>> take_whole(Delta delta) {
  auto whole = std::make_shared<Snapshot>();
  bool fits = true;
  std::apply(
      [&](auto&... kinds) {
        const auto one = [&]<class T>(Changes<T>& changes) {
          fits = fits && changes.changed.empty() && changes.closed.empty();
          whole->of<T>().adopt(std::move(changes.opened));
        };
        (one(kinds), ...);
      },
      delta.kinds);
  if (!fits) return failure(ErrorKind::corrupt, "a keyframe that tells changes");
  return whole;
}

// With room for what the next frames open.
std::shared_ptr<Snapshot> copy_of(const Snapshot& state) {
  auto copy = std::make_shared<Snapshot>();
  std::apply(
      [&](const auto&... tables) {
        const auto one = [&]<class T>(const Table<T>& table) {
          Table<T>& twin = copy->of<T>();
          twin.reserve(table.size() + table.size() / 8);
          wish_for_huge_pages(twin.rows());
          twin = table;
        };
        (one(tables), ...);
      },
      state.kinds);
  return copy;
}

bool is_too_large(const Snapshot& snapshot) {
  return std::apply([](const auto&... tables) { return ((tables.size() > kMostRows) || ...); },
                    snapshot.kinds);
}

}  // namespace

struct FrameCursor::Position {
  Position(const Database& opened_database, std::uint64_t last)
      : database(&opened_database), last_sequence(last) {
    auto opened = LogReader::open(*database);
    if (opened)
      log.emplace(*std::move(opened));
    else
      broken = std::move(opened).error();
  }

  /// Stands where `other` stands.
  void stand_where(const Position& other);

  Result<bool> step(std::uint64_t limit);
  Result<bool> take_keyframe(const LogEntry& entry);
  Result<bool> take_delta(const LogEntry& entry);
  Result<bool> jump(std::uint64_t first_bad, std::uint64_t limit, std::string what);
  Result<bool> load(std::uint64_t keyframe);
  Status land_on(std::uint64_t sequence, Landing landing);
  Result<bool> leap(std::uint64_t limit);
  void note(Damage found);
  void stand_on(const LogEntry& entry);
  Snapshot& own_state();

  const Database* database;
  std::optional<LogReader> log;
  Error broken;  // why there is no log
  std::uint64_t last_sequence;

  bool has_state = false;  // `state` is that after `frame`
  Frame frame;             // sequence 0: before the first
  bool begins_session = false;
  std::optional<ChainHash> chain;  // after `frame`, where it is kept
  std::shared_ptr<Snapshot> state = std::make_shared<Snapshot>();  // forks share it until they move
  std::vector<Socket> gone;
  std::vector<Damage> damage;
};

void FrameCursor::Position::stand_where(const Position& other) {
  if (log && other.log) log->share_chunk(*other.log);
  has_state = other.has_state;
  frame = other.frame;
  begins_session = other.begins_session;
  chain = other.chain;
  state = other.state;
  gone = other.gone;
  damage = other.damage;
}

Snapshot& FrameCursor::Position::own_state() {
  if (state.use_count() > 1) state = copy_of(*state);
  return *state;
}

void FrameCursor::Position::note(Damage found) {
  const bool known = std::any_of(damage.begin(), damage.end(), [&](const Damage& other) {
    return other.first_sequence == found.first_sequence && other.what == found.what;
  });
  if (!known) damage.push_back(std::move(found));
}

void FrameCursor::Position::stand_on(const LogEntry& entry) {
  frame.kind = entry.header.kind;
  frame.sequence = entry.header.sequence;
  frame.wall = entry.header.wall;
  frame.boot = entry.header.boot;
  begins_session = entry.header.begins_session;
  chain = entry.hash;
  has_state = true;
}

// The state is replaced where it is not known or a session begins; elsewhere a keyframe says what
// is known already.
Result<bool> FrameCursor::Position::take_keyframe(const LogEntry& entry) {
  if (!has_state || entry.header.begins_session) {
    NETREC_TRY(delta, log->content(has_state ? chain : std::nullopt));
    NETREC_TRY(whole, take_whole(std::move(delta)));
    state = std::move(whole);
  }
  frame.delta = {};
  gone.clear();
  stand_on(entry);
  return true;
}

Result<bool> FrameCursor::Position::take_delta(const LogEntry& entry) {
  if (!has_state) return failure(ErrorKind::corrupt, "no keyframe before it");
  NETREC_TRY(delta, log->content(chain));
  gone = departed_in(delta, *state);
  const std::size_t misfits = apply(delta, own_state());
  if (is_too_large(*state)) return failure(ErrorKind::corrupt, "more than a host can hold");
  if (misfits != 0)
    note({.first_sequence = entry.header.sequence,
          .last_sequence = entry.header.sequence,
          .from = frame.wall,
          .to = entry.header.wall,
          .what = fmt::format("{} entries of frame {} do not fit the state before it", misfits,
                              entry.header.sequence)});
  frame.delta = std::move(delta);
  stand_on(entry);
  return true;
}

// Carries out the frame after the present one, if it is readable, or else the next keyframe; false
// without moving if that lies beyond `limit`.
Result<bool> FrameCursor::Position::step(std::uint64_t limit) {
  if (frame.sequence >= limit) return false;
  std::uint64_t next = frame.sequence + 1;
  if (frame.sequence == 0) {
    NETREC_TRY(first, log->first_sequence());
    if (first == 0 || first > limit) return false;
    next = first;
  }
  auto entry = log->entry(next);
  if (!entry && entry.error().kind != ErrorKind::not_found &&
      entry.error().kind != ErrorKind::corrupt)
    return tl::unexpected<Error>(std::move(entry).error());
  if (!entry) return jump(next, limit, std::move(entry).error().message);
  auto taken =
      entry->header.kind == FrameKind::keyframe ? take_keyframe(*entry) : take_delta(*entry);
  if (taken || taken.error().kind != ErrorKind::corrupt) return taken;
  return jump(next, limit, fmt::format("frame {}: {}", next, taken.error().message));
}

Result<bool> FrameCursor::Position::jump(std::uint64_t first_bad, std::uint64_t limit,
                                         std::string what) {
  Damage found{.first_sequence = first_bad,
               .last_sequence = last_sequence,
               .from = frame.wall,
               .to = frame.wall,
               .what = std::move(what)};
  std::uint64_t candidate = first_bad;
  while (true) {
    NETREC_TRY(keyframe, log->keyframe_after(candidate));
    if (keyframe == 0 || keyframe > limit) {
      // Told without an end unless a later move finds one.
      if (keyframe > 0) found.last_sequence = keyframe - 1;
      if (const auto wall = log->wall_of(found.last_sequence, LogReader::Side::after))
        found.to = *wall;
      note(std::move(found));
      return false;
    }
    const bool had_state = std::exchange(has_state, false);
    auto entry = log->entry(keyframe);
    auto taken = entry ? take_keyframe(*entry) : Result<bool>(tl::unexpected(entry.error()));
    if (taken) {
      found.last_sequence = keyframe - 1;
      found.to = frame.wall;
      note(std::move(found));
      return true;
    }
    has_state = had_state;
    if (taken.error().kind != ErrorKind::corrupt) return taken;
    candidate = keyframe;
  }
}

// Takes up the state at `keyframe`; false if it cannot be read.
Result<bool> FrameCursor::Position::load(std::uint64_t keyframe) {
  const auto read = [&]() -> Result<bool> {
    NETREC_TRY(entry, log->entry(keyframe));
    has_state = false;
    return take_keyframe(entry);
  };
  auto loaded = read();
  if (loaded) return loaded;
  if (loaded.error().kind != ErrorKind::corrupt) return loaded;
  frame = {};
  const auto wall = log->wall_of(keyframe, LogReader::Side::before);
  note({.first_sequence = keyframe,
        .last_sequence = keyframe,
        .from = wall ? *wall : WallTime{},
        .to = wall ? *wall : WallTime{},
        .what = fmt::format("keyframe {}: {}", keyframe, loaded.error().message)});
  return false;
}

// As several steps, up to the end of a chunk, that only leave the state behind. False: nothing was
// done. After an error nothing is known any more.
Result<bool> FrameCursor::Position::leap(std::uint64_t limit) {
  NETREC_TRY(keyframe, log->keyframe_after(frame.sequence));
  const std::uint64_t last = keyframe == 0 ? limit : std::min(limit, keyframe - 1);
  if (!has_state || frame.sequence == 0 || last <= frame.sequence) return false;
  auto there = log->carry_out(frame.sequence + 1, last, chain, own_state());
  if (there && !*there) return false;
  if (there && is_too_large(*state))
    there = failure(ErrorKind::corrupt, "more than a host can hold");
  if (!there) {
    has_state = false;
    frame = {};
    return tl::unexpected<Error>(std::move(there).error());
  }
  frame.delta = {};
  gone.clear();
  stand_on(**there);
  return true;
}

// Stands on the last readable frame at or before `sequence`.
Status FrameCursor::Position::land_on(std::uint64_t sequence, Landing landing) {
  std::uint64_t from = sequence;
  while (true) {
    NETREC_TRY(keyframe, log->keyframe_at_or_before(from));
    const bool ahead = has_state && frame.sequence <= sequence && frame.sequence >= keyframe;
    if (!ahead) {
      if (keyframe == 0)
        return failure(ErrorKind::not_found, "nothing readable at or before frame {}", sequence);
      NETREC_TRY(loaded, load(keyframe));
      if (!loaded) {
        from = keyframe - 1;
        continue;
      }
    }
    bool moved = true;
    while (moved && has_state && frame.sequence < sequence) {
      const auto leapt = landing == Landing::state ? leap(sequence) : Result<bool>(false);
      // Frame by frame it will be seen, and told, where it does not fit.
      if (!leapt) landing = Landing::frame;
      if (!leapt || *leapt) continue;
      NETREC_TRY(stepped, step(sequence));
      moved = stepped;
    }
    if (has_state) return {};
  }
}

FrameCursor::FrameCursor(const Database& database, std::uint64_t last_sequence)
    : position_(std::make_unique<Position>(database, last_sequence)) {}
FrameCursor FrameCursor::fork() const {
  FrameCursor twin(*position_->database, position_->last_sequence);
  twin.position_->stand_where(*position_);
  return twin;
}

FrameCursor::FrameCursor(FrameCursor&&) noexcept = default;
FrameCursor& FrameCursor::operator=(FrameCursor&&) noexcept = default;
FrameCursor::~FrameCursor() = default;

Status FrameCursor::seek(WallTime wall, Landing landing) {
  Position& position = *position_;
  if (!position.log) return tl::unexpected<Error>(position.broken);
  NETREC_TRY(sequence, position.log->sequence_at(wall, position.last_sequence));
  if (sequence == 0) return failure(ErrorKind::not_found, "the timeline begins later");
  return position.land_on(sequence, landing);
}

Status FrameCursor::seek_sequence(std::uint64_t sequence, Landing landing) {
  Position& position = *position_;
  if (!position.log) return tl::unexpected<Error>(position.broken);
  NETREC_TRY(first, position.log->first_sequence());
  if (first == 0 || sequence < first || sequence > position.last_sequence)
    return failure(ErrorKind::not_found, "there is no frame {}; there are {} to {}", sequence,
                   first, position.last_sequence);
  return position.land_on(sequence, landing);
}

Result<bool> FrameCursor::next() {
  Position& position = *position_;
  if (!position.log) return tl::unexpected<Error>(position.broken);
  return position.step(position.last_sequence);
}

Result<bool> FrameCursor::previous() {
  Position& position = *position_;
  if (!position.log) return tl::unexpected<Error>(position.broken);
  NETREC_TRY(first, position.log->first_sequence());
  if (first == 0 || position.frame.sequence <= first) return false;
  auto landed = position.land_on(position.frame.sequence - 1, Landing::frame);
  if (!landed && landed.error().kind == ErrorKind::not_found) return false;
  if (!landed) return tl::unexpected<Error>(std::move(landed).error());
  return true;
}

const Frame& FrameCursor::frame() const { return position_->frame; }
const Snapshot& FrameCursor::snapshot() const { return *position_->state; }
bool FrameCursor::begins_session() const { return position_->begins_session; }
std::optional<ChainHash> FrameCursor::hash() const { return position_->chain; }
const std::vector<Socket>& FrameCursor::departed() const { return position_->gone; }
const std::vector<Damage>& FrameCursor::damage() const { return position_->damage; }

}  // namespace netrec
