#include "store/packed_sockets.h"

#include <utility>

#include "schema/delta.h"
#include "schema/sort_by_key.h"
#include "store/frame_codec.h"
#include "store/log_reader.h"

namespace netrec {

namespace {

constexpr std::size_t kRowsABlock = 1024;

}  // namespace

void PackedSockets::add(const Socket& row) {
  loose_.push_back(row);
  if (loose_.size() >= kRowsABlock) pack();
}

void PackedSockets::pack() {
  sort_by_key(loose_);
  Delta block;
  packed_ += loose_.size();
  block.of<Socket>().opened = std::move(loose_);
  blocks_.push_back(pack_frame(encode_delta(block)));
  loose_ = std::move(block.of<Socket>().opened);
  loose_.clear();
}

Result<std::vector<Socket>> PackedSockets::take() {
  std::vector<Socket> rows = std::exchange(loose_, {});
  rows.reserve(rows.size() + std::exchange(packed_, 0));
  for (const std::string& packed : std::exchange(blocks_, {})) {
    NETREC_TRY(bytes, unpack_frame(packed));
    NETREC_TRY(block, decode_delta(bytes));
    const std::vector<Socket>& opened = block.of<Socket>().opened;
    rows.insert(rows.end(), opened.begin(), opened.end());
  }
  return rows;
}

}  // namespace netrec
