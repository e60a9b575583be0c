// What a chunk costs and gives: bytes a connection, time to seal one, rows scanned a second, and a
// needle in a month; from the load of bench/busy_host.h. Everything is in memory: the file's part
// is measured by size_bench and instant_bench.
//
//   chunk_bench [CONNECTIONS [FRAMES-A-CHUNK [CONNECTIONS-A-SECOND [columns]]]]
//
// `columns` lists what each one takes. Without arguments: a month's 20 million, which is 7.7 a
// second in chunks of 1024 frames, and 1 000 a second in chunks of 256. Takes about a minute.
#include "store/chunk.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <map>
#include <string>

#include "bench/busy_host.h"
#include "store/chunk_layout.h"
#include "store/frame_codec.h"
#include "store/history_chunk.h"
#include "store/log_reader.h"

namespace netrec {

namespace {

double cpu_s() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

template <class T>
T must(Result<T> result) {
  if (result) return *std::move(result);
  fmt::print(stderr, "chunk_bench: {}\n", result.error().message);
  std::exit(3);
}

void verdict(bool good, std::string_view what, const std::string& measured) {
  fmt::print("{}  {:<52} {}\n", good ? "ok  " : "MISS", what, measured);
}

struct Sealed {
  std::vector<EncodedChunk> chunks;
  std::uint64_t connections = 0;
  std::uint64_t bytes = 0;
  std::uint64_t hot_bytes = 0;  ///< of the same frames before they were sealed
  double seal_s = 0;
};

/// Lives until `connections` have ended, sealed every `frames` seconds.
Sealed seal(BusyHost& host, std::uint64_t connections, std::size_t frames) {
  Sealed out;
  ChunkCarry carry;
  carry.begin(host.beginning());
  std::uint64_t sequence = 1;
  while (out.connections < connections) {
    std::vector<Frame> run;
    std::vector<Socket> departed, some;
    const WallTime previous = host.wall();
    for (std::size_t i = 0; i < frames; ++i) {
      run.push_back(host.tick(some));
      run.back().sequence = ++sequence;
      departed.insert(departed.end(), some.begin(), some.end());
    }
    for (const Frame& frame : run) out.hot_bytes += pack_frame(encode_delta(frame.delta)).size();
    const double begun = cpu_s();
    EncodedChunk chunk = must(encode_chunk({.session = 1,
                                            .first_sequence = run.front().sequence,
                                            .last_sequence = run.back().sequence,
                                            .previous_wall = previous,
                                            .frames = run,
                                            .departed = departed,
                                            .carry = &carry}));
    carry.advance(run, previous, &chunk.transitions);
    chunk.transitions = {};
    out.seal_s += cpu_s() - begun;
    out.connections += departed.size();
    out.bytes += chunk.header.size() + chunk.body.size();
    out.chunks.push_back(std::move(chunk));
  }
  return out;
}

std::string name_of(const ColumnId& id) {
  if (id.kind != static_cast<std::uint8_t>(EntityKind::socket))
    return fmt::format("kind {} role {} field {}", id.kind, id.role, id.field);
  const auto fields = fields_of<Socket>();
  return fmt::format("socket role {} {}", id.role,
                     id.field < fields.size() ? fields[id.field].name : "");
}

void list_columns(const Sealed& sealed) {
  std::map<std::string, std::uint64_t> bytes;
  for (const EncodedChunk& chunk : sealed.chunks) {
    const ChunkHeader header = must(ChunkHeader::decode(chunk.header));
    for (const ColumnEntry& entry : header.directory) bytes[name_of(entry.id)] += entry.size;
    bytes["header"] += chunk.header.size();
  }
  std::vector<std::pair<std::uint64_t, std::string>> order;
  for (const auto& [name, size] : bytes) order.emplace_back(size, name);
  std::sort(order.rbegin(), order.rend());
  for (const auto& [size, name] : order)
    fmt::print("      {:6.2f} bytes a connection  {}\n",
               static_cast<double>(size) / static_cast<double>(sealed.connections), name);
}

/// Scans all chunks as history does; returns rows a second.
double scan(const Sealed& sealed, const Wanted& wanted, std::uint64_t& rows, std::uint64_t& read) {
  const HistoryFilter filter(wanted);
  WantedNames names(filter);
  const double begun = cpu_s();
  std::uint64_t bytes = 0;
  for (const EncodedChunk& chunk : sealed.chunks) {
    if (!filter.may_hold(must(ChunkHeader::decode(chunk.header)))) continue;
    ++read;
    const ChunkReader reader = must(ChunkReader::open(chunk.header, chunk.body));
    must(tell_chunk<Socket>(reader, filter, names, [&](const Connection& row, const Snapshot&) {
      ++rows;
      bytes += row.socket.bytes_sent;
      return true;
    }));
  }
  const double seconds = cpu_s() - begun;
  if (bytes == 0) fmt::print("      (nothing was sent)\n");
  return seconds;
}

void measure_scans(const Sealed& sealed, const BusyHost& host) {
  Wanted sum;
  sum.transitions = false;
  sum.fields.emplace();
  sum.fields->set(field_id<Socket>("bytes_sent"));
  sum.fields->set(field_id<Socket>("remote_low"));
  std::uint64_t rows = 0;
  std::uint64_t read = 0;
  const double few = scan(sealed, sum, rows, read);
  verdict(static_cast<double>(rows) / few >= 3e6, "scan of two fields (>= 3 M rows/s)",
          fmt::format("{:.2f} M rows/s", static_cast<double>(rows) / few / 1e6));
  rows = read = 0;
  const double all = scan(sealed, {}, rows, read);
  fmt::print("      scan of whole rows with transitions: {:.2f} M rows/s\n",
             static_cast<double>(rows) / all / 1e6);

  Wanted needle;
  needle.remote = {
      {.address = {.low = host.address_of(15'000)}, .family = Family::inet, .bits = 32}};
  rows = read = 0;
  const double one = scan(sealed, needle, rows, read);
  fmt::print(
      "      one address: {} rows from {} of {} chunks in {:.2f} ms, {:.3f} ms a chunk read\n",
      rows, read, sealed.chunks.size(), one * 1e3,
      read == 0 ? 0 : one * 1e3 / static_cast<double>(read));
}

void measure_frames(const Sealed& sealed) {
  const double begun = cpu_s();
  std::size_t frames = 0;
  for (const EncodedChunk& chunk : sealed.chunks)
    frames += must(must(ChunkReader::open(chunk.header, chunk.body)).frames()).size();
  fmt::print("      frames rebuilt: {:.1f} us a connection, {} frames\n",
             (cpu_s() - begun) * 1e6 / static_cast<double>(sealed.connections), frames);
}

/// One load, sealed and read again; `columns`: lists what each one takes.
void measure(double a_second, std::uint64_t connections, std::size_t frames, bool columns) {
  BusyLoad load;
  if (a_second > 0) load.connections_a_second = a_second;
  BusyHost host(load, 1);
  const Sealed sealed = seal(host, connections, frames);
  const double each = static_cast<double>(sealed.bytes) / static_cast<double>(sealed.connections);
  fmt::print("      {} connections, {} a second, in {} chunks of {} frames\n", sealed.connections,
             load.connections_a_second, sealed.chunks.size(), frames);
  fmt::print(
      "      {:.1f} MB of hot frames a chunk, {:.1f} bytes a connection\n",
      static_cast<double>(sealed.hot_bytes) / 1e6 / static_cast<double>(sealed.chunks.size()),
      static_cast<double>(sealed.hot_bytes) / static_cast<double>(sealed.connections));
  verdict(each <= 32, "a connection, all in (<= 32 bytes, aim 25)",
          fmt::format("{:.2f} bytes", each));
  const double seal_us = sealed.seal_s * 1e6 / static_cast<double>(sealed.connections);
  verdict(seal_us <= 5, "sealing, at 10 000 a second (<= 5 % of a core)",
          fmt::format("{:.2f} us a connection", seal_us));
  measure_scans(sealed, host);
  measure_frames(sealed);
  if (columns) list_columns(sealed);
}

}  // namespace

}  // namespace netrec

int main(int argc, char** argv) {
  using namespace netrec;
  if (argc == 1) {
    measure(7.7, 100'000, 1024, false);  // 20 million a month, four hours of it
    measure(1000, 1'000'000, 256, false);
    return 0;
  }
  measure(argc > 3 ? std::strtod(argv[3], nullptr) : 0, std::strtoull(argv[1], nullptr, 10),
          argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 128, argc > 4);
  return 0;
}
