#include "store/chunk_blob.h"

#include "store/compression.h"

namespace netrec {

std::string encode_blob(std::string_view bytes) {
  std::string packed = compress(bytes);
  if (packed.size() >= bytes.size()) return std::string(1, '\0').append(bytes);
  return std::string(1, '\1').append(packed);
}

Result<std::string> decode_blob(std::string_view blob) {
  if (blob.empty()) return std::string();
  const std::string_view rest = blob.substr(1);
  if (blob[0] == '\0') return std::string(rest);
  if (blob[0] != '\1') return failure(ErrorKind::corrupt, "bytes packed in an unknown way");
  return decompress(rest, kMostBlobBytes);
}

}  // namespace netrec
