// The bytes of a chunk's body: all in memory, or in the file and read as far as somebody asks.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "store/database.h"

namespace netrec {

class ChunkBody {
 public:
  /// Not copied: `whole` must outlive it.
  explicit ChunkBody(std::string_view whole) : whole_(whole), size_(whole.size()) {}
  /// `lying` must outlive it, and stay where it is.
  explicit ChunkBody(const Blob& lying) : lying_(&lying), size_(lying.size()) {}

  std::size_t size() const { return size_; }
  /// Those from `offset` on, read anew each time where they lie in the file: `room` holds them
  /// then. REQUIRES: they are within size(). Errors: corrupt, io.
  Result<std::string_view> part(std::size_t offset, std::size_t size,
                                std::unique_ptr<char[]>& room) const {
    if (lying_ == nullptr) return whole_.substr(offset, size);
    room = std::make_unique_for_overwrite<char[]>(size);
    NETREC_CHECKED(lying_->read(offset, {room.get(), size}));
    return std::string_view(room.get(), size);
  }

 private:
  std::string_view whole_;
  const Blob* lying_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace netrec
