#include "store/chunk.h"
#include "store/chunk_kind.h"
#include "store/frame_codec.h"

namespace netrec {

struct ChunkReader::State {
  explicit State(ChunkColumns opened) : columns(std::move(opened)), kinds(all_of(columns)) {}

  static ForEachEntity<ChunkKind> all_of(const ChunkColumns& columns) {
    const auto each = [&]<class... T>(const std::tuple<Changes<T>...>*) {
      return ForEachEntity<ChunkKind>(ChunkKind<T>(columns)...);
    };
    return each(static_cast<const ForEachEntity<Changes>*>(nullptr));
  }

  ChunkColumns columns;
  ForEachEntity<ChunkKind> kinds;  // Points into `columns`.
};

ChunkReader::ChunkReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
ChunkReader::ChunkReader(ChunkReader&&) noexcept = default;
ChunkReader& ChunkReader::operator=(ChunkReader&&) noexcept = default;
ChunkReader::~ChunkReader() = default;

Result<ChunkReader> ChunkReader::open(std::string_view header, std::string_view body) {
  NETREC_TRY(decoded, ChunkHeader::decode(header));
  return open(std::move(decoded), ChunkBody(body));
}

Result<ChunkReader> ChunkReader::open(ChunkHeader header, const ChunkBody& body) {
  NETREC_TRY(columns, ChunkColumns::open(std::move(header), body));
  return ChunkReader(std::make_unique<State>(std::move(columns)));
}

const ChunkHeader& ChunkReader::header() const { return state_->columns.header(); }

Result<FrameTimes> ChunkReader::frame_times() const {
  const ChunkHeader& header = state_->columns.header();
  const auto column = [&](std::uint16_t field) {
    return state_->columns.numbers({.role = static_cast<std::uint8_t>(Role::frame), .field = field},
                                   header.frames);
  };
  NETREC_TRY(sequence, column(0));
  NETREC_TRY(wall, column(1));
  NETREC_TRY(boot, column(2));
  for (std::size_t i = 0; i < sequence.size(); ++i) {
    sequence[i] += header.first_sequence;
    boot[i] = unzigzag(boot[i]) + wall[i];
  }
  return FrameTimes{std::move(sequence), std::move(wall), std::move(boot)};
}

Result<std::vector<Frame>> ChunkReader::frames() const {
  NETREC_CHECKED(state_->columns.check());
  NETREC_TRY(times, frame_times());
  std::vector<Frame> frames(times.sequence.size());
  for (std::size_t i = 0; i < frames.size(); ++i) {
    frames[i].sequence = times.sequence[i];
    frames[i].wall = WallTime(std::chrono::microseconds(times.wall_us[i]));
    frames[i].boot = std::chrono::microseconds(times.boot_us[i]);
  }
  Status status;
  std::apply(
      [&](auto&... kind) { ((status = status ? kind.add_to(frames) : std::move(status)), ...); },
      state_->kinds);
  NETREC_CHECKED(status);
  for (Frame& frame : frames) sort(frame.delta);
  return frames;
}

bool ChunkReader::can_carry_out() const {
  return std::apply([](const auto&... kind) { return (kind.can_carry_out() && ...); },
                    state_->kinds);
}

Result<std::size_t> ChunkReader::carry_out(std::size_t begin, std::size_t end,
                                           Snapshot& state) const {
  NETREC_CHECKED(state_->columns.check());
  std::size_t misfits = 0;
  Status status;
  const auto one = [&]<class T>(ChunkKind<T>& kind) {
    if (!status) return;
    if (const auto done = kind.carry_out(begin, end, state.of<T>()))
      misfits += *done;
    else
      status = tl::unexpected<Error>(done.error());
  };
  std::apply([&](auto&... kind) { (one(kind), ...); }, state_->kinds);
  NETREC_CHECKED(status);
  return misfits;
}

template <class T>
std::size_t ChunkReader::rows(LifeGroup group) const {
  return std::get<ChunkKind<T>>(state_->kinds).rows(group);
}

template <class T>
Result<Column> ChunkReader::column(LifeGroup group, std::uint16_t field) const {
  return std::get<ChunkKind<T>>(state_->kinds).column(group, field);
}

template <class T>
Result<Column> ChunkReader::cells(LifeGroup group, std::uint16_t field,
                                  std::span<const std::uint32_t> some) const {
  return std::get<ChunkKind<T>>(state_->kinds).cells(group, field, some);
}

template <class T>
Result<std::vector<std::uint32_t>> ChunkReader::rows_with(
    LifeGroup group, std::uint16_t field, std::span<const std::uint64_t> values) const {
  return std::get<ChunkKind<T>>(state_->kinds).rows_with(group, field, values);
}

template <class T>
Result<Ends> ChunkReader::ends() const {
  return std::get<ChunkKind<T>>(state_->kinds).ends();
}

template <class T>
Result<Samples> ChunkReader::samples(std::uint16_t field) const {
  return std::get<ChunkKind<T>>(state_->kinds).samples(field);
}

Result<TransitionColumns> ChunkReader::transitions(LifeGroup group) const {
  return std::get<ChunkKind<Socket>>(state_->kinds).transitions(group);
}

template <class T>
Result<Column> ChunkReader::keys(LifeGroup group) const {
  return std::get<ChunkKind<T>>(state_->kinds).keys(group);
}

template <class T>
bool ChunkReader::has(LifeGroup group, std::uint16_t field) const {
  return std::get<ChunkKind<T>>(state_->kinds).has(group, field);
}

Result<std::string> ChunkReader::restated_names() const {
  return state_->columns.bytes({.role = static_cast<std::uint8_t>(Role::names)});
}

bool ChunkReader::has_new_names() const {
  const auto has_new = [&]<class T>() {
    return rows<T>(LifeGroup::ended) + rows<T>(LifeGroup::begun) > 0;
  };
  return has_new.operator()<Text>() || has_new.operator()<Process>() ||
         has_new.operator()<User>() || has_new.operator()<NetworkNamespace>();
}

Result<Snapshot> ChunkReader::names() const {
  Snapshot names;
  NETREC_TRY(bytes, state_->columns.blob({.role = static_cast<std::uint8_t>(Role::names)}));
  if (!bytes.empty()) {
    NETREC_TRY(restated, decode_delta(bytes));
    bool are_whole = true;
    const auto take = [&]<class T>(Changes<T>& changes) {
      are_whole = are_whole && changes.changed.empty() && changes.closed.empty();
      names.of<T>().adopt(std::move(changes.opened));
    };
    std::apply([&](auto&... changes) { (take(changes), ...); }, restated.kinds);
    if (!are_whole) return lies("names that changed");
  }
  const auto add = [&]<class T>(Table<T>& table) -> Status {
    for (const LifeGroup group : {LifeGroup::ended, LifeGroup::begun}) {
      NETREC_TRY(rows, std::get<ChunkKind<T>>(state_->kinds).whole_rows(group));
      for (T& row : rows) table.insert(std::move(row));
    }
    return {};
  };
  NETREC_CHECKED(add(names.of<Text>()));
  NETREC_CHECKED(add(names.of<Process>()));
  NETREC_CHECKED(add(names.of<User>()));
  NETREC_CHECKED(add(names.of<NetworkNamespace>()));
  return names;
}

#define NETREC_INSTANTIATE(T)                                                          \
  template std::size_t ChunkReader::rows<T>(LifeGroup) const;                          \
  template Result<Column> ChunkReader::cells<T>(LifeGroup, std::uint16_t,              \
                                                std::span<const std::uint32_t>) const; \
  template Result<std::vector<std::uint32_t>> ChunkReader::rows_with<T>(               \
      LifeGroup, std::uint16_t, std::span<const std::uint64_t>) const;                 \
  template Result<Column> ChunkReader::column<T>(LifeGroup, std::uint16_t) const;      \
  template bool ChunkReader::has<T>(LifeGroup, std::uint16_t) const;                   \
  template Result<Column> ChunkReader::keys<T>(LifeGroup) const;                       \
  template Result<Ends> ChunkReader::ends<T>() const;                                  \
  template Result<Samples> ChunkReader::samples<T>(std::uint16_t) const;
NETREC_FOR_EACH_KIND(NETREC_INSTANTIATE)
#undef NETREC_INSTANTIATE

}  // namespace netrec
