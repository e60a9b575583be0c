#include "store/chunk_table.h"

namespace netrec {

Damage ChunkRow::damage(std::string what) const {
  return {.first_sequence = first_sequence,
          .last_sequence = last_sequence,
          .from = least_wall,
          .to = most_wall,
          .what = fmt::format("frames {} to {}: {}", first_sequence, last_sequence, what)};
}

Result<ChunkTable> ChunkTable::open(const Database& database) {
  NETREC_TRY(headers,
             database.prepare("SELECT first_sequence, last_sequence, least_wall_us, most_wall_us,"
                              "       header FROM chunk"
                              " WHERE first_sequence BETWEEN ? AND ? ORDER BY first_sequence"));
  NETREC_TRY(whole, database.prepare("SELECT header, body FROM chunk WHERE first_sequence = ?"));
  NETREC_TRY(end, database.prepare("SELECT last_sequence FROM chunk"
                                   " WHERE first_sequence BETWEEN ? AND ?"
                                   " ORDER BY first_sequence DESC LIMIT 1"));
  return ChunkTable(std::move(headers), std::move(whole), std::move(end));
}

Status ChunkTable::for_each(
    std::uint64_t first, std::uint64_t last, std::vector<Damage>& damage,
    const std::function<Result<bool>(const ChunkRow&, const ChunkHeader&)>& visit) {
  NETREC_TRY(more, headers_.first(first, last));
  while (more) {
    const auto number = [&](int column) {
      return static_cast<std::uint64_t>(headers_.integer(column));
    };
    const ChunkRow row{.first_sequence = number(0),
                       .last_sequence = number(1),
                       .least_wall = WallTime(std::chrono::microseconds(headers_.integer(2))),
                       .most_wall = WallTime(std::chrono::microseconds(headers_.integer(3)))};
    const auto header = ChunkHeader::decode(headers_.bytes(4));
    if (header) {
      auto going_on = visit(row, *header);
      if (!going_on || !*going_on) {
        headers_.reset();
        if (!going_on) return tl::unexpected<Error>(std::move(going_on).error());
        return {};
      }
    } else {
      damage.push_back(row.damage(header.error().message));
    }
    NETREC_TRY(next, headers_.next());
    more = next;
  }
  return {};
}

Result<ChunkTable::Whole> ChunkTable::read(const ChunkRow& row) {
  NETREC_TRY(found, whole_.first(row.first_sequence));
  if (!found) return failure(ErrorKind::not_found, "there is no chunk {}", row.first_sequence);
  Whole chunk{std::string(whole_.bytes(0)), std::string(whole_.bytes(1))};
  whole_.reset();
  return chunk;
}

Result<std::uint64_t> ChunkTable::last_sequence(std::uint64_t first, std::uint64_t last) {
  NETREC_TRY(found, end_.first(first, last));
  const std::uint64_t sequence = found ? static_cast<std::uint64_t>(end_.integer(0)) : 0;
  end_.reset();
  return sequence;
}

}  // namespace netrec
