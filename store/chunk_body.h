// The bytes of a chunk's body: all in memory, or in the file and read as far as somebody asks.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "schema/result.h"

namespace netrec {

class ChunkBody {
 public:
  /// Fills `out` with what lies from `offset` on. Errors: corrupt, io.
  using Read = std::function<Status(std::size_t offset, std::span<char> out)>;

  /// Not copied: `whole` must outlive it.
  explicit ChunkBody(std::string_view whole) : whole_(whole), size_(whole.size()) {}
  /// `read` is called for each part anew.
  ChunkBody(std::size_t size, Read read) : size_(size), read_(std::move(read)) {}

  std::size_t size() const { return size_; }
  /// True: a part is the same bytes each time.
  bool is_in_memory() const { return !read_; }
  /// The bytes from `offset` on; `room` holds them if they had to be read. REQUIRES: they are
  /// within size(). Errors: corrupt, io.
  Result<std::string_view> part(std::size_t offset, std::size_t size,
                                std::unique_ptr<char[]>& room) const {
    if (!read_) return whole_.substr(offset, size);
    room = std::make_unique_for_overwrite<char[]>(size);
    NETREC_CHECKED(read_(offset, {room.get(), size}));
    return std::string_view(room.get(), size);
  }

 private:
  std::string_view whole_;
  std::size_t size_ = 0;
  Read read_;
};

}  // namespace netrec
