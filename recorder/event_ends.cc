#include "recorder/event_ends.h"

namespace netrec {

namespace {

std::uint64_t big_endian(const __u8* bytes, int count) {
  std::uint64_t value = 0;
  for (int i = 0; i < count; ++i) value = value << 8 | bytes[i];
  return value;
}

}  // namespace

IpAddress address_in_event(const __u8 (&bytes)[16], Family family) {
  if (family == Family::inet) return {.high = 0, .low = big_endian(bytes, 4)};
  return {.high = big_endian(bytes, 8), .low = big_endian(bytes + 8, 8)};
}

}  // namespace netrec
