// A chunk: a run of delta frames of one session, sealed together as entity-major columns. It *is*
// the log of its time range (frames() rebuilds each frame to the byte), and it answers history
// directly: what ended in it is there whole, a column a field.
//
// A pure pair of functions over bytes, without SQLite, so that it can be fuzzed and measured alone.
// A chunk is two strings, kept in two cells: a reader that looks for a needle reads all headers and
// the bodies of few. Layout: docs/file_format_chunk.md.
//
// Refused: Arrow or Parquet files inside SQLite (they would be the biggest dependency of the house,
// and neither rebuilds the order of events), one row a connection (33 bytes and 12 an index).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "schema/connection.h"
#include "schema/delta.h"
#include "schema/result.h"
#include "store/chunk_body.h"
#include "store/chunk_carry.h"
#include "store/chunk_header.h"
#include "store/column.h"
#include "store/search_keys.h"

namespace netrec {

/// What a run is sealed from.
struct ChunkInput {
  std::uint32_t session = 0;         ///< all frames are of this one
  std::uint64_t first_sequence = 0;  ///< of the run, keyframes included
  std::uint64_t last_sequence = 0;
  WallTime previous_wall{};           ///< of the frame before the first (a keyframe counts)
  std::span<const Frame> frames;      ///< the deltas, in order, canonical; at least one
  std::span<const Socket> departed;   ///< the rows, as last seen, of sockets closed in `frames`;
                                      ///< wanted of those opened before them, others are ignored
  const ChunkCarry* carry = nullptr;  ///< as of the frame before the first
};

struct EncodedChunk {
  std::string header;
  std::string body;
  SearchKeys keys{};             ///< of what ended in it: for the search index
  TransitionNews transitions{};  ///< for the next chunk: ChunkCarry::advance()
};

/// Errors: invalid_argument (frames that are not canonical, or more than a chunk may hold: see
/// kMostChunkFrames and its like in chunk_header.h).
Result<EncodedChunk> encode_chunk(const ChunkInput& input);

/// The entities a chunk knows of one kind, by what it saw of their lives.
enum class LifeGroup : std::uint8_t {
  ended = 0,    ///< closed in the chunk, whole row; in order of their end
  begun = 1,    ///< opened in the chunk and alive at its end; in order of their beginning
  ongoing = 2,  ///< opened before; changed, or closed without its row being known; by key
};

/// The frames of a chunk as columns.
struct FrameTimes {
  Column sequence;
  Column wall_us;
  Column boot_us;
};

/// How the lives of LifeGroup::ended ended, in the order of its rows; as in Connection.
struct Ends {
  Column closed_us;
  Column closed_after_us;
  std::vector<CloseReason> reason;
};

/// The transitions of many sockets: those of row r are [first[r], first[r + 1]).
struct TransitionColumns {
  std::vector<std::uint32_t> first;
  std::vector<Transition> transitions;

  std::span<const Transition> of(std::size_t row) const {
    return std::span(transitions).subspan(first[row], first[row + 1] - first[row]);
  }
};

/// One field of one entity took a value, in columns: a sample.
struct Samples {
  Column key;
  Column at_us;
  Column value;
};

class ChunkReader {
 public:
  /// Neither string is copied: both must outlive the reader. Errors: corrupt, unsupported.
  static Result<ChunkReader> open(std::string_view header, std::string_view body);
  /// The same of a header that is decoded, and a body that is read as far as it is asked for.
  static Result<ChunkReader> open(ChunkHeader header, const ChunkBody& body);

  ChunkReader(ChunkReader&&) noexcept;
  ChunkReader& operator=(ChunkReader&&) noexcept;
  ~ChunkReader();

  const ChunkHeader& header() const;

  /// The frames the chunk was sealed from. All columns are checked, also those no frame needs.
  Result<std::vector<Frame>> frames() const;
  Result<FrameTimes> frame_times() const;
  /// False: a stretch of frames can only be carried out one after another.
  bool can_carry_out() const;
  /// Turns the state before the frame at place `begin` into that before the one at `end`, without
  /// making the frames. Returns how many lives did not fit the state. After an error it is half
  /// done.
  Result<std::size_t> carry_out(std::size_t begin, std::size_t end, Snapshot& state) const;

  /// Lives of kind T in `group`.
  template <class T>
  std::size_t rows(LifeGroup group) const;
  /// A field of them, as it was at their end or at the chunk's. REQUIRES: group is not ongoing.
  template <class T>
  Result<Column> column(LifeGroup group, std::uint16_t field) const;
  /// The same of `some` of its rows, which ascend.
  template <class T>
  Result<Column> cells(LifeGroup group, std::uint16_t field,
                       std::span<const std::uint32_t> some) const;
  /// The rows of `group` in which `field` is one of `values`, ascending.
  template <class T>
  Result<std::vector<std::uint32_t>> rows_with(LifeGroup group, std::uint16_t field,
                                               std::span<const std::uint64_t> values) const;
  template <class T>
  Result<Ends> ends() const;
  /// The keys of the lives of `group`.
  template <class T>
  Result<Column> keys(LifeGroup group) const;
  /// Of sockets: those of `ended` and `begun` from their opening on, those of `ongoing` as far as
  /// they lie in the chunk.
  Result<TransitionColumns> transitions(LifeGroup group) const;
  /// Every value `field` took in the chunk (not the one it had when it opened), of all groups.
  template <class T>
  Result<Samples> samples(std::uint16_t field) const;
  /// False: `field` is 0 in all rows of `group`.
  template <class T>
  bool has(LifeGroup group, std::uint16_t field) const;
  /// The texts, processes, users and namespaces that the ended sockets, peers and resolutions refer
  /// to, and those that were new in the chunk.
  Result<Snapshot> names() const;
  /// What names() reads of those that were not new, as it lies: the same bytes are the same names.
  Result<std::string> restated_names() const;
  /// True if names() reads others, too.
  bool has_new_names() const;

  struct State;

 private:
  explicit ChunkReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace netrec
