// layer: recorder
// DNS answers as any server may send them.
#include "recorder/dns_answer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto answer = netrec::parse_dns_answer({reinterpret_cast<const std::byte*>(data), size});
  if (answer && answer->addresses.size() > netrec::kMostAddresses) __builtin_trap();
  return 0;
}
