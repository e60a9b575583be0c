#include "store/text_arena.h"

#include <cstring>

namespace netrec {

std::optional<std::string_view> TextArena::keep(std::string_view text) {
  if (const auto found = kept_.find(text); found != kept_.end()) return *found;
  if (text.size() > kBlockBytes || bytes_ + text.size() > most_bytes_) return std::nullopt;
  if (text.size() > block_left_) {
    blocks_.push_back(std::make_unique<char[]>(kBlockBytes));
    block_left_ = kBlockBytes;
  }
  char* const place = blocks_.back().get() + (kBlockBytes - block_left_);
  std::memcpy(place, text.data(), text.size());
  block_left_ -= text.size();
  bytes_ += text.size();
  const std::string_view kept(place, text.size());
  kept_.insert(kept);
  return kept;
}

}  // namespace netrec
