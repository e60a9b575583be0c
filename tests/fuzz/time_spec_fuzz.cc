// layer: query
// A time typed by anybody: it is refused or resolves to an instant between 1970 and the year 9999,
// whatever the timeline says of itself.
#include "query/time_spec.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  static_cast<void>(netrec::parse_duration(text));
  const auto spec = netrec::parse_time(text);
  if (!spec) {
    if (spec.error().message.empty()) std::abort();
    return 0;
  }
  using netrec::WallTime;
  for (const WallTime end : {WallTime{}, WallTime::max(), WallTime::min()}) {
    const auto moment = netrec::resolve(*spec, {WallTime::min(), end, WallTime::max()});
    if (!moment || moment->sequence) continue;
    const auto seconds = std::chrono::floor<std::chrono::seconds>(moment->wall).time_since_epoch();
    if (seconds.count() < 0 || seconds.count() > 253'402'300'799) std::abort();
  }
  return 0;
}
