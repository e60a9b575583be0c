// layer: recorder
// Everything parsed from /proc and /etc/passwd. The first byte chooses the parser, the rest is what
// it reads.
#include "recorder/procfs.h"

#include <cstdint>
#include <string_view>

#include "recorder/counters.h"
#include "recorder/descriptors.h"
#include "recorder/namespaces.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace netrec;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(bytes + 1), size - 1);
  CounterList counters;
  FoundNamespaces namespaces;
  switch (bytes[0] % 9) {
    case 0:
      (void)parse_process_stat(text);
      break;
    case 1:
      (void)parse_process_uids(text);
      break;
    case 2:
      (void)parse_cgroup(text);
      break;
    case 3:
      (void)parse_exe_link(text);
      break;
    case 4:
      (void)parse_users(text);
      break;
    case 5:
      counters.add_paired(text);
      counters.clear();
      counters.add_paired(text.substr(text.size() / 2));
      break;
    case 6:
      counters.add_single(text);
      break;
    case 7:
      add_mounted_namespaces(text, namespaces);
      break;
    default:
      (void)socket_inode(text.data(), text.size());
      (void)namespace_inode(text);
      break;
  }
  return 0;
}
