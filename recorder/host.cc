#include "recorder/host.h"

#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <charconv>
#include <ctime>

#include "recorder/procfs.h"

namespace netrec {

namespace {

std::string first_line(const char* path) {
  const auto bytes = read_file(path, 4096);
  return bytes ? bytes->substr(0, bytes->find('\n')) : "";
}

// The name by which the zone's rules are known, so that they can be applied elsewhere: TZ, else
// /etc/timezone, else where /etc/localtime leads to.
std::string zone_name() {
  if (const char* const from_environment = std::getenv("TZ"); from_environment != nullptr)
    return from_environment;
  if (std::string name = first_line("/etc/timezone"); !name.empty()) return name;
  char link[256];
  const ssize_t size = readlink("/etc/localtime", link, sizeof link);
  const std::string target(link, size < 0 ? 0 : static_cast<std::size_t>(size));
  const std::size_t at = target.find("zoneinfo/");
  return at == std::string::npos ? "" : target.substr(at + 9);
}

std::string zone_with_offset() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  char offset[16] = "";
  std::strftime(offset, sizeof offset, "%z", &local);
  const std::string name = zone_name();
  return name.empty() ? offset : fmt::format("{} {}", name, offset);
}

}  // namespace

HostIdentity read_host_identity() {
  HostIdentity identity;
  utsname name{};
  if (uname(&name) == 0) {
    identity.host = name.nodename;
    identity.kernel = fmt::format("{} {} {}", name.sysname, name.release, name.machine);
  }
  identity.boot_id = first_line("/proc/sys/kernel/random/boot_id");
  identity.machine_id = first_line("/etc/machine-id");
  identity.time_zone = zone_with_offset();
  return identity;
}

std::uint64_t effective_capabilities() {
  const auto status = read_file("/proc/self/status");
  if (!status) return 0;
  constexpr std::string_view kLine = "\nCapEff:\t";
  const std::size_t at = status->find(kLine);
  if (at == std::string::npos) return 0;
  std::uint64_t capabilities = 0;
  const char* const first = status->data() + at + kLine.size();
  std::from_chars(first, status->data() + status->size(), capabilities, 16);
  return capabilities;
}

}  // namespace netrec
