// layer: store
#include "store/frame_codec.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

// What can be read has one form, and reading that form gives the same again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace netrec;
  const auto delta = decode_delta({reinterpret_cast<const char*>(data), size});
  if (!delta) return 0;
  const std::string bytes = encode_delta(*delta);
  const auto again = decode_delta(bytes);
  if (!again || encode_delta(*again) != bytes) std::abort();
  Snapshot snapshot;
  apply(*delta, snapshot);
  static_cast<void>(encode_keyframe(snapshot));
  return 0;
}
