#include "store/chunk.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <random>

#include "store/chunk_clock.h"
#include "store/chunk_updates.h"
#include "tests/store/hostile_chunk.h"
#include "tests/store/random_history.h"

namespace netrec {
namespace {

EncodedChunk encoded(const ChunkInput& input) {
  auto chunk = encode_chunk(input);
  EXPECT_TRUE(chunk) << (chunk ? "" : chunk.error().message);
  return chunk ? *chunk : EncodedChunk{};
}

/// Two ticks: 600 sockets open and close, to few destinations by few processes, so that these are
/// told as tuples.
std::vector<Frame> frames_of_few_destinations() {
  std::vector<Frame> frames(2);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    frames[i].sequence = 2 + i;
    frames[i].wall = WallTime(std::chrono::microseconds(1'700'000'000'000'000 + i * 1'000'000));
  }
  for (std::uint32_t i = 1; i <= 600; ++i) {
    Socket row;
    row.cookie = i;
    row.family = i % 20 == 0 ? Family::inet6 : Family::inet;
    row.transport = Transport::tcp;
    row.remote.low = 0x0a00'0000 + i * i % 20 * 77;
    row.remote_port = static_cast<std::uint16_t>(443 + i * i % 20);
    row.process = 1 + i % 3;
    row.bytes_sent = i * 1000;
    row.opened_us = 1'699'999'999'500'000 + i;
    frames[0].delta.of<Socket>().opened.push_back(row);
    frames[1].delta.of<Socket>().closed.push_back(
        {.key = i, .at = 1000 - i, .reason = CloseReason::exact});
  }
  return frames;
}

EncodedChunk chunk_of(const std::vector<Frame>& frames) {
  return encoded({.session = 1,
                  .first_sequence = frames.front().sequence,
                  .last_sequence = frames.back().sequence,
                  .previous_wall = frames.front().wall - std::chrono::seconds(1),
                  .frames = frames,
                  .departed = {}});
}

TEST(Chunk, FindsRowsByWhatIsToldInTuples) {
  const EncodedChunk chunk = chunk_of(frames_of_few_destinations());
  const auto reader = ChunkReader::open(chunk.header, chunk.body);
  ASSERT_TRUE(reader) << reader.error().message;
  const auto tuples = [&](const ColumnEntry& column) {
    return column.id.role == static_cast<std::uint8_t>(Role::tuples);
  };
  EXPECT_EQ(
      std::count_if(reader->header().directory.begin(), reader->header().directory.end(), tuples),
      2);
  const auto found = reader->rows_with<Socket>(LifeGroup::ended, field_id<Socket>("remote_low"),
                                               Column{0x0a00'0000 + 9 * 77});
  ASSERT_TRUE(found) << found.error().message;
  const auto ports =
      reader->cells<Socket>(LifeGroup::ended, field_id<Socket>("remote_port"), *found);
  ASSERT_TRUE(ports) << ports.error().message;
  EXPECT_EQ(*ports, Column(120, 443 + 9));
  read_everything(chunk);
}

TEST(Chunk, IsTestedWithHistoriesThatHaveEverything) {
  RandomHistory history(1);
  const RandomRun run(history, 30);
  const EncodedChunk chunk = encoded(run.input());
  const auto reader = ChunkReader::open(chunk.header, chunk.body);
  ASSERT_TRUE(reader) << reader.error().message;
  for_each_kind([&]<class T>() {
    const KindCounts& counts = reader->header().of(EntityTraits<T>::kind);
    EXPECT_GT(counts.ended, 0u) << EntityTraits<T>::name;
    EXPECT_GT(counts.begun, 0u) << EntityTraits<T>::name;
    EXPECT_EQ(counts.updates > 0, (!std::is_same_v<T, Text>)) << EntityTraits<T>::name;
  });
  EXPECT_GT(reader->header().of(EntityKind::socket).ended, 50u);
}

TEST(Chunk, RebuildsTheFramesItWasSealedFrom) {
  for (std::uint32_t seed = 1; seed <= 40; ++seed) {
    RandomHistory history(seed);
    for (std::size_t before = seed % 7; before > 0; --before) history.next();
    const RandomRun run(history, 1 + seed % 13);
    const EncodedChunk chunk = encoded(run.input());
    const auto reader = ChunkReader::open(chunk.header, chunk.body);
    ASSERT_TRUE(reader) << reader.error().message;
    const auto frames = reader->frames();
    ASSERT_TRUE(frames) << frames.error().message;
    ASSERT_EQ(frames->size(), run.frames.size());
    for (std::size_t i = 0; i < frames->size(); ++i) {
      ASSERT_EQ((*frames)[i].sequence, run.frames[i].sequence) << "seed " << seed;
      ASSERT_TRUE((*frames)[i] == run.frames[i]) << "seed " << seed << " frame " << i;
    }
  }
}

TEST(Chunk, HandsOnTheTransitionsThatItsFramesTell) {
  for (std::uint32_t seed = 1; seed <= 40; ++seed) {
    RandomHistory history(seed);
    for (std::size_t before = seed % 7; before > 0; --before) history.next();
    RandomRun run(history, 1 + seed % 13);
    ChunkCarry as_frames = run.carry;
    ChunkCarry as_chunk = run.carry;
    for (int chunk = 0; chunk < 3; ++chunk) {
      ChunkInput input = run.input();
      input.carry = &as_chunk;
      const EncodedChunk sealed = encoded(input);
      as_frames.advance(run.frames, run.previous_wall, nullptr);
      as_chunk.advance(run.frames, run.previous_wall, &sealed.transitions);
      std::size_t known = 0;
      for (const Socket& socket : history.snapshot().of<Socket>()) {
        std::vector<Transition> expected, found;
        as_frames.list_transitions(socket.cookie, expected);
        as_chunk.list_transitions(socket.cookie, found);
        ASSERT_EQ(found, expected) << "seed " << seed << ", socket " << socket.cookie;
        known += expected.empty() ? 0 : 1;
      }
      EXPECT_EQ(known, history.snapshot().of<Socket>().size());
      for (const Socket& socket : run.departed) {
        std::vector<Transition> found;
        as_chunk.list_transitions(socket.cookie, found);
        EXPECT_TRUE(found.empty()) << "seed " << seed << ", socket " << socket.cookie;
      }
      run = RandomRun(history, 1 + (seed + chunk) % 5);
    }
  }
}

TEST(Chunk, CarriesOutAnyStretchAsItsFramesDo) {
  for (std::uint32_t seed = 1; seed <= 25; ++seed) {
    RandomHistory history(seed);
    for (std::size_t before = 5 + seed % 7; before > 0; --before) history.next();
    std::vector<Snapshot> states = {history.snapshot()};
    const RandomRun run(history, 1 + seed % 11);
    for (const Frame& frame : run.frames) {
      states.push_back(states.back());
      apply(frame.delta, states.back());
    }
    const EncodedChunk chunk = encoded(run.input());
    const auto reader = ChunkReader::open(chunk.header, chunk.body);
    ASSERT_TRUE(reader) << reader.error().message;
    ASSERT_TRUE(reader->can_carry_out());
    for (std::size_t begin = 0; begin < states.size(); ++begin)
      for (std::size_t end = begin; end < states.size(); ++end) {
        Snapshot state = states[begin];
        const auto misfits = reader->carry_out(begin, end, state);
        ASSERT_TRUE(misfits) << misfits.error().message;
        EXPECT_EQ(*misfits, 0u);
        ASSERT_TRUE(state == states[end]) << "seed " << seed << ": " << begin << " to " << end;
      }
  }
}

// Long enough for what is asked of a few of many lives to be looked up alone.
TEST(Chunk, CarriesOutStretchesOfLongRunsAsTheirFramesDo) {
  for (std::uint32_t seed = 1; seed <= 4; ++seed) {
    RandomHistory history(seed);
    for (int before = 0; before < 9; ++before) history.next();
    std::vector<Snapshot> states = {history.snapshot()};
    const RandomRun run(history, 300);
    for (const Frame& frame : run.frames) {
      states.push_back(states.back());
      apply(frame.delta, states.back());
    }
    const EncodedChunk chunk = encoded(run.input());
    for (std::size_t i = 0; i < 40; ++i) {
      // A reader keeps what it unpacked: one for several stretches, and one for each.
      const auto reader = ChunkReader::open(chunk.header, chunk.body);
      ASSERT_TRUE(reader) << reader.error().message;
      for (const std::size_t length : {i % 3, 5 + 7 * i}) {
        const std::size_t begin = i * 7;
        const std::size_t end = std::min(begin + length, states.size() - 1);
        Snapshot state = states[begin];
        const auto misfits = reader->carry_out(begin, end, state);
        ASSERT_TRUE(misfits) << misfits.error().message;
        EXPECT_EQ(*misfits, 0u);
        ASSERT_TRUE(state == states[end]) << "seed " << seed << ": " << begin << " to " << end;
      }
    }
  }
}

TEST(ChunkClock, ExpectsTheFirstFrameThatIsNotEarlier) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 200; ++round) {
    // Steps of a second, of days, backwards, none.
    Column walls = {1'700'000'000'000'000 + random() % 1000};
    for (std::uint64_t i = random() % 40; i > 0; --i) {
      const std::uint64_t steps[] = {1'000'000, 86'400'000'000, std::uint64_t{0} - 5'000'000, 0};
      walls.push_back(walls.back() + steps[random() % (round % 2 == 0 ? 1 : 4)] + random() % 3);
    }
    const ChunkClock clock(walls, walls.front() - 1);
    Column latest = walls;
    for (std::size_t i = 1; i < latest.size(); ++i) latest[i] = std::max(latest[i], latest[i - 1]);
    for (int i = 0; i < 200; ++i) {
      const std::uint64_t near = latest[random() % latest.size()];
      const std::uint64_t time_us = i == 0 ? 0 : i == 1 ? UINT64_MAX : near + random() % 5 - 2;
      const auto place = std::lower_bound(latest.begin(), latest.end(), time_us);
      EXPECT_EQ(clock.expected_frame(time_us),
                std::min<std::size_t>(static_cast<std::size_t>(place - latest.begin()),
                                      latest.size() - 1));
    }
  }
}

TEST(ChunkUpdates, OrderOfOpeningKeepsEqualsAsTheyCome) {
  std::mt19937_64 random(7);
  for (std::size_t round = 0; round < 200; ++round) {
    Column beginnings(random() % 60);
    for (std::uint64_t& at : beginnings)
      at = round % 3 == 0 ? random() : random() % (1 + round) + (round % 3) * UINT32_MAX;
    std::vector<std::uint32_t> wanted(beginnings.size());
    std::iota(wanted.begin(), wanted.end(), 0);
    std::stable_sort(wanted.begin(), wanted.end(), [&](std::uint32_t a, std::uint32_t b) {
      return beginnings[a] < beginnings[b];
    });
    EXPECT_EQ(order_of_opening(beginnings), wanted);
  }
}

TEST(Chunk, KeepsWhatNoSoundRecorderWrites) {
  Frame frame;
  frame.sequence = 7;
  frame.wall = WallTime(std::chrono::seconds(1'700'000'000));
  // A close of what never was, a change of a key, a change and two closes of one socket.
  frame.delta.of<Socket>().changed = {{.key = 5, .value = 6, .at = 9, .field = 0},
                                      {.key = 5, .value = 1, .at = 9, .field = 24},
                                      {.key = 5, .value = 2, .at = 9, .field = 24}};
  frame.delta.of<Socket>().closed = {{.key = 5}, {.key = 5, .at = 3}, {.key = 8}};
  frame.delta.of<Text>().changed = {{.key = 1, .value = 2, .field = 0}};
  sort(frame.delta);
  ChunkInput input;
  input.first_sequence = input.last_sequence = 7;
  input.frames = std::span(&frame, 1);
  const EncodedChunk chunk = encoded(input);
  const auto reader = ChunkReader::open(chunk.header, chunk.body);
  ASSERT_TRUE(reader) << reader.error().message;
  const auto frames = reader->frames();
  ASSERT_TRUE(frames) << frames.error().message;
  EXPECT_TRUE((*frames)[0] == frame);
  EXPECT_FALSE(reader->can_carry_out());
}

void expect_refused(const Changes<Socket>& changes) {
  Frame frame;
  frame.sequence = 1;
  frame.delta.of<Socket>() = changes;
  ChunkInput input;
  input.first_sequence = input.last_sequence = 1;
  input.frames = std::span(&frame, 1);
  const auto chunk = encode_chunk(input);
  ASSERT_FALSE(chunk);
  EXPECT_EQ(chunk.error().kind, ErrorKind::invalid_argument);
}

TEST(Chunk, RefusesFramesThatAreNotCanonical) {
  Socket five, eight;
  five.cookie = 5;
  eight.cookie = 8;
  expect_refused({.opened = {eight, five}, .changed = {}, .closed = {}});
  expect_refused({.opened = {five, five}, .changed = {}, .closed = {}});
  expect_refused({.opened = {}, .changed = {}, .closed = {{.key = 8}, {.key = 5}}});
  expect_refused({.opened = {}, .changed = {}, .closed = {{.key = 5, .at = 3}, {.key = 5}}});
  const Change later{.key = 5, .value = 1, .at = 2, .field = 24};
  for (Change earlier : {Change{.key = 4, .value = 1, .at = 2, .field = 24},
                         Change{.key = 5, .value = 1, .at = 3, .field = 24},
                         Change{.key = 5, .value = 1, .at = 2, .field = 23}})
    expect_refused({.opened = {five}, .changed = {later, earlier}, .closed = {}});
}

TEST(Chunk, TellsRowsAsTheyWereAtTheirEnd) {
  RandomHistory history(9);
  for (int before = 0; before < 20; ++before) history.next();
  const RandomRun run(history, 12);
  const EncodedChunk chunk = encoded(run.input());
  const auto reader = ChunkReader::open(chunk.header, chunk.body);
  ASSERT_TRUE(reader);
  std::map<std::uint64_t, const Socket*> departed;
  for (const Socket& row : run.departed) departed[row.cookie] = &row;
  const auto keys = reader->keys<Socket>(LifeGroup::ended);
  ASSERT_TRUE(keys);
  EXPECT_EQ(keys->size(), run.departed.size());
  for (std::uint16_t field = 0; field < fields_of<Socket>().size(); ++field) {
    const auto values = reader->column<Socket>(LifeGroup::ended, field);
    ASSERT_TRUE(values) << values.error().message;
    for (std::size_t row = 0; row < keys->size(); ++row)
      ASSERT_EQ((*values)[row], fields_of<Socket>()[field].get(*departed.at((*keys)[row])))
          << fields_of<Socket>()[field].name;
  }
}

TEST(Chunk, TellsSomeRowsAsItTellsAll) {
  for (std::uint32_t seed = 1; seed <= 4; ++seed) {
    RandomHistory history(seed);
    for (int before = 0; before < 20; ++before) history.next();
    const RandomRun run(history, 60);
    read_everything(encoded(run.input()));
  }
}

TEST(Chunk, OutlineNeverDeniesWhatIsThere) {
  RandomHistory history(4);
  for (int before = 0; before < 20; ++before) history.next();
  const RandomRun run(history, 40);
  const EncodedChunk chunk = encoded(run.input());
  const auto header = ChunkHeader::decode(chunk.header);
  ASSERT_TRUE(header);
  for (const Socket& row : run.departed) {
    for (const int bits : {8, 16, 20, 24, 31, 32})
      if (row.remote.high == 0 && row.remote.low <= UINT32_MAX) {
        Prefix prefix{.address = row.remote, .family = Family::inet, .bits = bits};
        prefix.address.low &= ~((std::uint64_t{1} << (32 - bits)) - 1);
        EXPECT_TRUE(header->outline.may_have_remote(prefix)) << bits;
      }
    for (const int bits : {0, 32, 48, 64}) {
      Prefix prefix{.address = row.remote, .family = Family::inet6, .bits = bits};
      prefix.address.low = 0;
      if (bits < 64) prefix.address.high &= bits == 0 ? 0 : ~std::uint64_t{0} << (64 - bits);
      EXPECT_TRUE(header->outline.may_have_remote(prefix)) << bits;
    }
    EXPECT_TRUE(header->outline.may_have_remote_port(row.remote_port, row.remote_port));
    EXPECT_TRUE(header->outline.may_have_local_port(row.local_port, row.local_port));
  }
}

class HostileChunk : public testing::Test {
 protected:
  HostileChunk() {
    RandomHistory history(2);
    for (int before = 0; before < 5; ++before) history.next();
    const RandomRun run(history, 2);
    chunk_ = encoded(run.input());
    frames_ = run.frames;
  }
  std::string_view header() const {
    return std::string_view(chunk_.header).substr(0, chunk_.header.size() - 4);
  }
  /// True if it opens and its frames are those it was sealed from.
  bool reads_the_same(const EncodedChunk& chunk) const {
    const auto reader = ChunkReader::open(chunk.header, chunk.body);
    if (!reader) return false;
    const auto frames = reader->frames();
    return frames && *frames == frames_;
  }

  EncodedChunk chunk_;
  std::vector<Frame> frames_;
};

TEST_F(HostileChunk, CutAnywhereIsRefused) {
  ASSERT_TRUE(reads_the_same(chunk_));
  for (std::size_t size = 0; size < chunk_.header.size(); ++size)
    EXPECT_FALSE(ChunkReader::open(chunk_.header.substr(0, size), chunk_.body)) << size;
  for (std::size_t size = 0; size < chunk_.body.size(); ++size)
    EXPECT_FALSE(ChunkReader::open(chunk_.header, chunk_.body.substr(0, size))) << size;
}

TEST_F(HostileChunk, AnyByteFlippedIsFound) {
  for (std::size_t i = 0; i < chunk_.header.size(); ++i) {
    EncodedChunk altered = chunk_;
    altered.header[i] = static_cast<char>(altered.header[i] ^ 0x10);
    EXPECT_FALSE(ChunkReader::open(altered.header, altered.body)) << i;
  }
  for (std::size_t i = 0; i < chunk_.body.size(); ++i) {
    EncodedChunk altered = chunk_;
    altered.body[i] = static_cast<char>(altered.body[i] ^ 0x10);
    EXPECT_FALSE(reads_the_same(altered)) << i;
  }
}

TEST_F(HostileChunk, WithGoodChecksumsIsAnError_NotACrash) {
  for (std::size_t i = 0; i < header().size(); ++i) {
    std::string altered(header());
    altered[i] = static_cast<char>(altered[i] ^ 0x07);
    if (const auto chunk = with_good_checksums(altered, chunk_.body)) read_everything(*chunk);
  }
  for (std::size_t i = 0; i < chunk_.body.size(); i += 7) {
    std::string altered = chunk_.body;
    altered[i] = static_cast<char>(altered[i] ^ (1 << i % 8));
    if (const auto chunk = with_good_checksums(header(), altered)) read_everything(*chunk);
  }
}

TEST_F(HostileChunk, WithTuplesThatLieIsAnError_NotACrash) {
  const EncodedChunk sound = chunk_of(frames_of_few_destinations());
  const std::string_view header = std::string_view(sound.header).substr(0, sound.header.size() - 4);
  for (std::size_t i = 0; i < sound.body.size(); ++i) {
    std::string altered = sound.body;
    altered[i] = static_cast<char>(altered[i] ^ (1 << i % 8));
    if (const auto chunk = with_good_checksums(header, altered)) read_everything(*chunk);
  }
}

/// As version 1 had it: no column says how many tuples there are, and checksums are of SipHash.
EncodedChunk of_version_1(const EncodedChunk& chunk) {
  auto header = ChunkHeader::decode(chunk.header);
  EXPECT_TRUE(header);
  EncodedChunk first;
  header->version = 1;
  const std::vector<ColumnEntry> columns = std::move(header->directory);
  header->directory.clear();
  for (const ColumnEntry& column : columns) {
    if (column.id.role == static_cast<std::uint8_t>(Role::tuples)) continue;
    if (column.id.role == static_cast<std::uint8_t>(Role::tuples) + 1) continue;
    const std::string bytes = chunk.body.substr(column.offset, column.size);
    header->directory.push_back(
        {column.id, first.body.size(), bytes.size(), header->column_checksum(bytes)});
    first.body += bytes;
  }
  first.header = header->encode();
  return first;
}

TEST(Chunk, OfTheFirstVersionIsRead) {
  const std::vector<Frame> sealed = frames_of_few_destinations();
  const EncodedChunk chunk = chunk_of(sealed);
  const EncodedChunk first = of_version_1(chunk);
  EXPECT_LT(first.body.size(), chunk.body.size());
  const auto reader = ChunkReader::open(first.header, first.body);
  ASSERT_TRUE(reader) << reader.error().message;
  const auto frames = reader->frames();
  ASSERT_TRUE(frames) << frames.error().message;
  EXPECT_TRUE(*frames == sealed);
  read_everything(first);
  EncodedChunk of_other_checksums = chunk;
  of_other_checksums.header[0] = 1;
  EXPECT_FALSE(ChunkReader::open(of_other_checksums.header, of_other_checksums.body));
}

TEST_F(HostileChunk, OfANewerVersionIsUnsupported) {
  std::string newer = chunk_.header;
  newer[0] = static_cast<char>(kChunkVersion + 1);
  const auto reader = ChunkReader::open(newer, chunk_.body);
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().kind, ErrorKind::unsupported);
}

TEST_F(HostileChunk, CannotAskForMoreThanAChunkMayHold) {
  auto header = ChunkHeader::decode(chunk_.header);
  ASSERT_TRUE(header);
  for (const std::uint64_t lie : {std::uint64_t{kMostChunkLives} + 1, UINT64_MAX}) {
    ChunkHeader lying = *header;
    lying.kinds[static_cast<std::size_t>(EntityKind::socket)].ended = lie;
    EXPECT_FALSE(ChunkReader::open(lying.encode(), chunk_.body));
    lying = *header;
    lying.frames = lie;
    EXPECT_FALSE(ChunkReader::open(lying.encode(), chunk_.body));
  }
}

}  // namespace
}  // namespace netrec
