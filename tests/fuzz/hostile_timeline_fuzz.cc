// layer: query
// with: tests/store/random_history.cc
// A sound timeline, altered field by field (tests/store/hostile_timeline.h says how the input means
// that), and then asked in every way there is: by the library, in SQL, by verify and by a recorder
// that takes it up. The mutator knows what a mutation is.
#include "tests/store/hostile_timeline.h"

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <random>
#include <string>

#include "query/sql_time.h"
#include "store/sql.h"
#include "store/timeline_writer.h"
#include "store/verify.h"
#include "tests/fuzz/ask_timeline.h"
#include "tests/store/random_history.h"

namespace {

using namespace netrec;

std::string scratch(const char* name) {
  static const std::string kFolder = [] {
    std::string pattern = (std::filesystem::temp_directory_path() / "netrec-fuzz-XXXXXX").string();
    return std::string(::mkdtemp(pattern.data()));
  }();
  return kFolder + "/" + name;
}

/// Two sessions of every kind of entity: chunks, keyframes, hot frames.
Status write_sound(const std::string& path) {
  RandomHistory history(7);
  for (int session = 0; session < 2; ++session) {
    NETREC_TRY(writer, TimelineWriter::open(path, {.seal_after_frames = 6}));
    for (int tick = 0; tick < 14; ++tick) {
      Frame frame = history.next();
      const bool first = tick == 0;
      if (first) frame.delta = {};
      const bool keyframe = first || writer.keyframe_due();
      NETREC_CHECKED(writer.append(frame, first ? std::vector<Socket>{} : history.departed(),
                                   history.snapshot(), keyframe ? Keyframe::yes : Keyframe::no));
      NETREC_CHECKED(writer.maintain(history.snapshot()));
    }
    // The second is left as a killed recorder leaves it.
    if (session == 0) NETREC_CHECKED(writer.close(history.snapshot()));
  }
  return {};
}

/// Some of the questions, which says `choice`: all of them take long.
void ask_sql(const std::string& path, unsigned choice) {
  auto session = SqlSession::open(path, read_sql_time);
  if (!session) return;
  constexpr unsigned kPart = 5;
  unsigned number = choice;
  for (const char* sql :
       {"SELECT * FROM connections", "SELECT * FROM transitions", "SELECT * FROM peers",
        "SELECT * FROM dns", "SELECT * FROM samples LIMIT 500", "SELECT * FROM frames",
        "SELECT * FROM interface_samples LIMIT 200", "SELECT * FROM counter_samples LIMIT 200",
        "SELECT * FROM sockets", "SELECT * FROM interfaces", "SELECT * FROM counters",
        "SELECT count(*) FROM connections WHERE ip_in(remote_address, '10.0.0.0/8')",
        "SELECT opened_us FROM connections WHERE remote_port = 443 AND opened_us > 1",
        "SELECT * FROM process", "SELECT * FROM gap", "SELECT * FROM listener"}) {
    if (++number % kPart != 0) continue;
    std::string_view text = sql;
    auto statement = session->prepare(text);
    if (!statement || !*statement) continue;
    for (int row = 0; row < 5000; ++row) {
      const auto more = (*statement)->step();
      if (!more || !*more) break;
      for (std::size_t column = 0; column < (*statement)->columns().size(); ++column)
        static_cast<void>((*statement)->cell(static_cast<int>(column)));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string kSound = [] {
    const std::string path = scratch("sound.netrec");
    NETREC_CHECK(write_sound(path), "a sound timeline to begin with");
    return path;
  }();
  constexpr std::size_t kMostMutations = 8;
  size = std::min(size, kMostMutations * Mutation::kBytes);
  const std::string path = scratch("hostile.netrec");
  std::filesystem::copy_file(kSound, path, std::filesystem::copy_options::overwrite_existing);
  HostileTimeline::alter(path, {reinterpret_cast<const char*>(data), size});
  unsigned choice = 0;
  for (std::size_t i = 0; i < size; ++i) choice = choice * 31 + data[i];
  ask_sql(path, choice);
  switch (choice / 8 % 3) {
    case 0:
      ask_timeline(path);
      break;
    case 1:
      static_cast<void>(verify(path, nullptr));
      break;
    default:
      static_cast<void>(TimelineWriter::open(path, {}));
  }
  return 0;
}

#ifdef NETREC_LIBFUZZER
extern "C" size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t most, unsigned seed) {
  std::minstd_rand random(seed);
  const std::size_t count = size / Mutation::kBytes;
  const std::size_t room = std::min<std::size_t>(most / Mutation::kBytes, 8);
  const unsigned choice = random() % 10;
  if (choice == 0 && count > 0) return LLVMFuzzerMutate(data, count * Mutation::kBytes, most);
  if (choice == 1 && count > 1) return (count - 1) * Mutation::kBytes;
  const auto fresh = [&] {
    Mutation one;
    one.where = static_cast<std::uint8_t>(random());
    one.row = static_cast<std::uint8_t>(random());
    one.field = static_cast<std::uint16_t>(random());
    one.how = static_cast<std::uint8_t>(random());
    one.value = std::uint64_t{random()} << 32 | random();
    return one;
  };
  if (count == 0 || (choice < 5 && count < room)) {
    fresh().encode(data + count * Mutation::kBytes);
    return (count + 1) * Mutation::kBytes;
  }
  // One number of one mutation.
  std::uint8_t* place = data + random() % count * Mutation::kBytes;
  Mutation one = Mutation::decode(place);
  const Mutation other = fresh();
  switch (random() % 5) {
    case 0:
      one.where = other.where;
      break;
    case 1:
      one.row = other.row;
      break;
    case 2:
      one.field = other.field;
      break;
    case 3:
      one.how = other.how;
      break;
    default:
      one.value = random() % 2 == 0 ? one.value + random() % 64 : other.value;
  }
  one.encode(place);
  return count * Mutation::kBytes;
}
#endif
