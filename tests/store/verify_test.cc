#include "store/verify.h"

#include <cstdlib>
#include <functional>
#include <optional>

#include "store/chunk.h"
#include "store/chunk_layout.h"
#include "store/database.h"
#include "tests/store/timeline_fixture.h"

namespace netrec {
namespace {

class VerifyTest : public TimelineFixture {
 protected:
  /// A killed session, then one with sealed chunks, keyframes and hot frames.
  void make_timeline() {
    load_ = {.sockets = 150, .opened_each_tick = 3, .working = 0.5};
    host_ = SimulatedHost(load_, 9);
    {
      auto writer = open_writer({.seal_after_frames = 50});
      begin(writer);
      record(writer, 70);
    }
    auto writer = open_writer({.seal_after_frames = 50});
    begin(writer);
    record(writer, 180);
  }

  Verification verified() {
    auto result = verify(path_, nullptr);
    if (result) return *std::move(result);
    Verification failed;
    failed.damage.push_back({.what = result.error().message});
    return failed;
  }

  void execute(const std::string& sql) {
    auto database = Database::open_for_writing(path_, false);
    ASSERT_TRUE(database) << database.error().message;
    const auto done = database->execute(sql);
    ASSERT_TRUE(done) << done.error().message;
  }
};

std::string findings(const Verification& verification) {
  std::string text;
  for (const Damage& damage : verification.damage)
    text += fmt::format("{}..{}: {}\n", damage.first_sequence, damage.last_sequence, damage.what);
  for (const std::string& finding : verification.index_findings) text += finding + "\n";
  return text;
}

TEST_F(VerifyTest, FindsASoundTimelineSound) {
  make_timeline();
  const Verification verification = verified();
  EXPECT_TRUE(verification.sound()) << findings(verification);
  EXPECT_EQ(verification.frames, past_.size());
  EXPECT_GE(verification.chunks, 4u);
  EXPECT_EQ(verification.chain.size(), 64u);
}

// The next session is of another boot, or a namespace went in between.
TEST_F(VerifyTest, FindsATimelineSoundWhoseInterfacesWentBetweenTwoSessions) {
  for (const bool killed : {false, true}) {
    auto& interfaces = host_.unseen().of<Interface>();
    interfaces.clear();
    interfaces.insert({.network_namespace = 1, .index = killed ? 3u : 2u, .receive_packets = 7});
    auto writer = open_writer({.seal_after_frames = 20});
    begin(writer);
    record(writer, 30);
    if (!killed) finish(writer);
  }
  host_.unseen().of<Interface>().clear();
  auto writer = open_writer({.seal_after_frames = 20});
  begin(writer);
  record(writer, 30);
  const Verification verification = verified();
  EXPECT_TRUE(verification.sound()) << findings(verification);
}

TEST_F(VerifyTest, FindsAPrunedTimelineSound) {
  keep_past_ = false;
  auto writer = open_writer({.max_age = std::chrono::seconds(300), .seal_after_frames = 64});
  begin(writer);
  record(writer, 1000);
  finish(writer);
  const Verification verification = verified();
  EXPECT_TRUE(verification.sound()) << findings(verification);
  EXPECT_GT(verification.pruned_up_to, 500u);
}

TEST_F(VerifyTest, NamesTheFirstBadFrameAndWhatItCosts) {
  make_timeline();
  auto database = Database::open_read_only(path_);
  auto hot = database->prepare("SELECT min(sequence) FROM frame");
  ASSERT_TRUE(*hot->first());
  const auto sequence = static_cast<std::uint64_t>(hot->integer(0));
  hot->reset();
  execute(fmt::format("UPDATE frame SET wall_us = wall_us + 1 WHERE sequence = {}", sequence + 3));
  const Verification verification = verified();
  ASSERT_EQ(verification.damage.size(), 1u) << findings(verification);
  EXPECT_EQ(verification.damage.front().first_sequence, sequence + 3);
  EXPECT_EQ(verification.damage.front().from, past_[sequence + 1].frame.wall);
}

TEST_F(VerifyTest, FindsWhatWasDroppedReorderedOrCut) {
  make_timeline();
  const std::string good = path_ + ".good";
  std::filesystem::copy_file(path_, good);
  for (const char* tampering :
       {"DELETE FROM frame WHERE sequence = (SELECT min(sequence) FROM frame)", "DELETE FROM frame",
        "DELETE FROM keyframe WHERE begins_session = 0",
        "DELETE FROM chunk WHERE first_sequence = 2", "DELETE FROM keyframe WHERE sequence = 1",
        ("UPDATE frame SET sequence = sequence + 1000 WHERE sequence ="
         " (SELECT max(sequence) FROM frame)"),
        "DELETE FROM chunk; DELETE FROM frame; DELETE FROM keyframe WHERE sequence > 1",
        "DELETE FROM session", "UPDATE gap SET id = 2; DELETE FROM process WHERE id = 1",
        "UPDATE destination SET bytes_sent = bytes_sent + 1", "DELETE FROM connection",
        "INSERT INTO frame SELECT sequence + 900, wall_us, boot_us, hash, data FROM frame",
        "DELETE FROM mark"}) {
    std::filesystem::copy_file(good, path_, std::filesystem::copy_options::overwrite_existing);
    execute(tampering);
    EXPECT_FALSE(verified().sound()) << tampering;
  }
}

/// Two connections, the second of which goes through TIME_WAIT.
class LiveConnectionTest : public VerifyTest {
 protected:
  void begin_recording(std::uint32_t seal_after_frames = 1) {
    writer_.emplace(open_writer(
        {.seal_after_frames = seal_after_frames, .tables_every = std::chrono::seconds(0)}));
    begin(*writer_);
    now_ = host_.now();
    Delta delta;
    for (const std::uint64_t cookie : {kStays, kGoes}) {
      Socket socket;
      socket.cookie = cookie;
      socket.transport = Transport::tcp;
      socket.family = Family::inet;
      socket.state = TcpState::established;
      socket.remote.low = 0x0a000001;
      socket.remote_port = 443;
      socket.opened_us = 1;
      delta.of<Socket>().opened.push_back(socket);
    }
    tick(std::move(delta), {});
  }

  void become(TcpState state) {
    Delta delta;
    delta.of<Socket>().changed.push_back({.key = kGoes,
                                          .value = static_cast<std::uint64_t>(state),
                                          .field = field_id<Socket>("state")});
    tick(std::move(delta), {});
  }

  void close() {
    Delta delta;
    delta.of<Socket>().closed.push_back({.key = kGoes, .at = 1, .reason = CloseReason::exact});
    tick(std::move(delta), {*now_.of<Socket>().find(kGoes)});
  }

  std::vector<std::int64_t> rows() {
    auto database = Database::open_read_only(path_);
    auto query = database->prepare("SELECT cookie FROM connection WHERE cookie >= 1000000000");
    std::vector<std::int64_t> cookies;
    for (auto more = query->first(); *more; more = query->next())
      cookies.push_back(query->integer(0));
    return cookies;
  }

  static constexpr std::uint64_t kStays = 1'000'000'000;
  static constexpr std::uint64_t kGoes = kStays + 1;

  std::optional<TimelineWriter> writer_;
  Snapshot now_;

 private:
  void tick(Delta delta, const std::vector<Socket>& departed) {
    Frame frame = host_.empty_frame();
    frame.wall += std::chrono::seconds(++seconds_);
    frame.boot += std::chrono::seconds(seconds_);
    frame.delta = std::move(delta);
    ASSERT_EQ(apply(frame.delta, now_), 0u);
    ASSERT_TRUE(writer_->append(frame, departed, now_, Keyframe::no));
    ASSERT_TRUE(writer_->maintain(now_));
  }

  int seconds_ = 0;
};

TEST_F(LiveConnectionTest, AreThoseThatAreNotOver) {
  begin_recording();
  EXPECT_EQ(rows().size(), 2u);
  become(TcpState::fin_wait2);
  EXPECT_EQ(rows().size(), 2u);
  become(TcpState::time_wait);
  EXPECT_EQ(rows(), std::vector<std::int64_t>{kStays});
  close();
  EXPECT_EQ(rows(), std::vector<std::int64_t>{kStays});
  const Verification verification = verified();
  EXPECT_TRUE(verification.sound()) << findings(verification);
}

TEST_F(LiveConnectionTest, AreTakenUpByTheNextRecorder) {
  begin_recording(2);
  become(TcpState::fin_wait2);
  EXPECT_EQ(rows().size(), 2u);
  close();
  EXPECT_EQ(rows().size(), 2u);
  writer_.reset();
  const auto next = open_writer();
  EXPECT_EQ(rows(), std::vector<std::int64_t>{kStays});
}

TEST_F(LiveConnectionTest, OfTheFirstBuildsAreProvenWithThoseInTimeWait) {
  begin_recording();
  become(TcpState::time_wait);
  writer_.reset();
  execute(
      fmt::format("INSERT INTO connection SELECT {}, transport, 'TIME_WAIT', local_address,"
                  " local_port, remote_address, remote_port, process, uid, opened_us,"
                  " bytes_sent, bytes_received FROM connection WHERE cookie = {}",
                  kGoes, kStays));
  const Verification verification = verified();
  EXPECT_TRUE(verification.sound()) << findings(verification);
  execute(fmt::format("UPDATE connection SET remote_port = 80 WHERE cookie = {}", kGoes));
  EXPECT_FALSE(verified().sound());
}

/// Puts another chunk in the place of the second one.
void replace_chunk(const std::string& path,
                   const std::function<EncodedChunk(const ChunkReader&)>& altered) {
  auto database = Database::open_for_writing(path, false);
  auto query = database->prepare(
      "SELECT first_sequence, header, body FROM chunk ORDER BY 1"
      " LIMIT 1, 1");
  ASSERT_TRUE(*query->first());
  const std::int64_t first = query->integer(0);
  EncodedChunk chunk;
  {
    const auto reader = ChunkReader::open(query->bytes(1), query->bytes(2));
    ASSERT_TRUE(reader) << reader.error().message;
    chunk = altered(*reader);
  }
  query->reset();
  auto write = database->prepare("UPDATE chunk SET header = ?, body = ? WHERE first_sequence = ?");
  ASSERT_TRUE(write->run(SqlValue::blob(chunk.header), SqlValue::blob(chunk.body), first));
}

TEST_F(VerifyTest, FindsAHeaderThatHidesAConnectionFromSearches) {
  make_timeline();
  auto database = Database::open_read_only(path_);
  auto query = database->prepare("SELECT body FROM chunk ORDER BY first_sequence LIMIT 1, 1");
  ASSERT_TRUE(*query->first());
  const std::string body(query->bytes(0));
  query->reset();
  replace_chunk(path_, [&](const ChunkReader& reader) {
    ChunkHeader header = reader.header();
    header.outline.remote_addresses = KeyFilter::of({}, 1);
    return EncodedChunk{header.encode(), body};
  });
  const Verification verification = verified();
  ASSERT_EQ(verification.damage.size(), 1u) << findings(verification);
  EXPECT_NE(verification.damage.front().what.find("header"), std::string::npos);
}

TEST_F(VerifyTest, FindsARowThatWasAlteredWhereNoHashSpansIt) {
  make_timeline();
  replace_chunk(path_, [&](const ChunkReader& reader) {
    const auto frames = reader.frames();
    std::vector<Socket> departed(reader.rows<Socket>(LifeGroup::ended));
    for (std::uint16_t field = 0; field < fields_of<Socket>().size(); ++field) {
      const auto values = reader.column<Socket>(LifeGroup::ended, field);
      for (std::size_t row = 0; row < departed.size(); ++row)
        fields_of<Socket>()[field].set(departed[row], (*values)[row]);
    }
    for (Socket& row : departed) row.bytes_sent += 1;
    const ChunkHeader& header = reader.header();
    const auto encoded =
        encode_chunk({.session = header.session,
                      .first_sequence = header.first_sequence,
                      .last_sequence = header.last_sequence,
                      .previous_wall = WallTime(std::chrono::microseconds(header.previous_wall_us)),
                      .frames = *frames,
                      .departed = departed});
    return EncodedChunk{encoded->header, encoded->body};
  });
  EXPECT_FALSE(verified().sound());
}

/// A cell of the log.
struct Cell {
  std::string table;
  std::string column;
  std::int64_t rowid = 0;
  std::int64_t bits = 0;  // of an integer: 63, so that it stays one
  bool is_integer = false;
};

// By column.
std::vector<std::vector<Cell>> cells_of_log(const std::string& path) {
  std::vector<std::vector<Cell>> cells;
  auto database = Database::open_read_only(path);
  const std::pair<const char*, const char*> columns[] = {{"frame", "sequence"},
                                                         {"frame", "wall_us"},
                                                         {"frame", "boot_us"},
                                                         {"frame", "hash"},
                                                         {"frame", "data"},
                                                         {"keyframe", "sequence"},
                                                         {"keyframe", "wall_us"},
                                                         {"keyframe", "boot_us"},
                                                         {"keyframe", "begins_session"},
                                                         {"keyframe", "previous_hash"},
                                                         {"keyframe", "hash"},
                                                         {"keyframe", "data"},
                                                         {"chunk", "first_sequence"},
                                                         {"chunk", "last_sequence"},
                                                         {"chunk", "frames"},
                                                         {"chunk", "least_wall_us"},
                                                         {"chunk", "most_wall_us"},
                                                         {"chunk", "previous_hash"},
                                                         {"chunk", "hash"},
                                                         {"chunk", "header"},
                                                         {"chunk", "body"}};
  for (const auto& [table, column] : columns) {
    auto query = database->prepare(
        fmt::format("SELECT rowid, typeof({0}) = 'integer', length({0}) FROM {1}", column, table));
    cells.emplace_back();
    auto more = query->first();
    while (more && *more) {
      const bool is_integer = query->integer(1) != 0;
      cells.back().push_back(
          {table, column, query->integer(0), is_integer ? 63 : query->integer(2) * 8, is_integer});
      more = query->next();
    }
  }
  return cells;
}

// NETREC_BIT_FLIPS=10000 for the long form.
TEST_F(VerifyTest, FindsEverySingleBitFlipInTheLog) {
  make_timeline();
  ASSERT_TRUE(verified().sound());
  const char* asked = std::getenv("NETREC_BIT_FLIPS");
  const int flips = asked == nullptr ? 150 : std::atoi(asked);
  const auto cells = cells_of_log(path_);
  std::mt19937_64 random(11);
  auto database = Database::open_for_writing(path_, false);
  ASSERT_TRUE(database) << database.error().message;
  int missed = 0;
  for (int i = 0; i < flips; ++i) {
    const auto& column = cells[random() % cells.size()];
    const Cell& some = column[random() % column.size()];
    const auto bit = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(some.bits));
    auto read = database->prepare(
        fmt::format("SELECT {} FROM {} WHERE rowid = ?", some.column, some.table));
    ASSERT_TRUE(*read->first(some.rowid));
    const std::string bytes(read->bytes(0));
    const std::int64_t integer = read->integer(0);
    read->reset();
    std::string flipped = bytes;
    if (!some.is_integer)
      flipped[static_cast<std::size_t>(bit / 8)] ^= static_cast<char>(1 << bit % 8);
    const std::int64_t flipped_integer =
        some.is_integer ? integer ^ (std::int64_t{1} << bit) : integer;
    auto write = database->prepare(
        fmt::format("UPDATE {} SET {} = ? WHERE rowid = ?", some.table, some.column));
    const bool is_key = some.column == "sequence" || some.column == "first_sequence";
    const auto changed = some.is_integer ? write->run(flipped_integer, some.rowid)
                                         : write->run(SqlValue::blob(flipped), some.rowid);
    if (!changed) continue;  // Another row has that key.
    if (verified().sound()) {
      ++missed;
      ADD_FAILURE() << some.table << '.' << some.column << " of " << some.rowid << ", bit " << bit;
    }
    const std::int64_t rowid = is_key ? flipped_integer : some.rowid;
    ASSERT_TRUE(some.is_integer ? write->run(integer, rowid)
                                : write->run(SqlValue::blob(bytes), rowid));
  }
  EXPECT_EQ(missed, 0);
  const Verification verification = verified();
  EXPECT_TRUE(verification.sound()) << findings(verification);
}

}  // namespace
}  // namespace netrec
