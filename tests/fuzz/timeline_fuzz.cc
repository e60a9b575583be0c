// layer: store
#include <fcntl.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "store/bytes.h"
#include "store/database.h"
#include "store/timeline_writer.h"
#include "store/verify.h"
#include "tests/fuzz/ask_timeline.h"

// A timeline whose log tables hold what the input says. SQLite's own pages are left to SQLite's own
// fuzzing; what is behind its cells is ours:
//
//   input = row*
//   row   = table:byte (0 frame, 1 keyframe, 2 chunk, 3 pruned, 4 mark) numbers blobs
//   numbers are varints, blobs a varint of the size and the bytes (store/bytes.h)
namespace {

using namespace netrec;

struct TableShape {
  const char* insert;
  int numbers;
  int blobs;
};

constexpr TableShape kTables[] = {
    {"INSERT INTO frame (sequence, wall_us, boot_us, hash, data) VALUES (?, ?, ?, ?, ?)", 3, 2},
    {"INSERT INTO keyframe (sequence, wall_us, boot_us, begins_session, previous_hash, hash, data)"
     " VALUES (?, ?, ?, ?, ?, ?, ?)",
     4, 3},
    {"INSERT INTO chunk (first_sequence, last_sequence, frames, least_wall_us, most_wall_us,"
     " previous_hash, hash, header, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
     5, 4},
    {"INSERT INTO pruned (id, first_wall_us, last_wall_us, last_sequence, hash)"
     " VALUES (1, ?, ?, ?, ?)",
     3, 1},
    {"INSERT INTO mark (id, sequence, hash, next_ids) VALUES (1, ?, ?, ?)", 1, 2}};

std::string scratch_path() {
  static const std::string kFolder = [] {
    std::string pattern = (std::filesystem::temp_directory_path() / "netrec-fuzz-XXXXXX").string();
    return std::string(::mkdtemp(pattern.data()));
  }();
  return kFolder + "/timeline.netrec";
}

// The bound values of one row, in the order of its columns.
Status insert_row(Database& database, const TableShape& table, ByteReader& in) {
  NETREC_TRY(query, database.prepare(table.insert));
  SqlValue values[9];
  int count = 0;
  for (int i = 0; i < table.numbers; ++i) values[count++] = SqlValue(in.varint());
  for (int i = 0; i < table.blobs; ++i) values[count++] = SqlValue::blob(in.bytes());
  if (!in.ok()) return {};
  return query.run_bound({values, static_cast<std::size_t>(count)});
}

void build(const std::string& path, std::string_view input) {
  std::filesystem::remove(path);
  auto database = Database::open_for_writing(path, false);
  if (!database) return;
  ByteReader in(input);
  for (int row = 0; row < 64 && in.remaining() > 0; ++row)
    static_cast<void>(insert_row(*database, kTables[in.byte() % std::size(kTables)], in));
  static_cast<void>(database->make_plain_file());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string path = scratch_path();
  build(path, {reinterpret_cast<const char*>(data), size});
  ask_timeline(path);
  static_cast<void>(verify(path, nullptr));
  // A recorder takes it up, if it can.
  static_cast<void>(TimelineWriter::open(path, {}));
  return 0;
}
