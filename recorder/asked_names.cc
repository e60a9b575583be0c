#include "recorder/asked_names.h"

#include <algorithm>

namespace netrec {

namespace {

// An answer with a lifetime of 0 is told again, but not for each of a hundred a second.
constexpr std::uint64_t kTellAgainUs = 1'000'000;

std::string address_key(const IpAddress& address, Family family) {
  return fmt::format("{} {:x} {:x}", static_cast<int>(family), address.high, address.low);
}

}  // namespace

AskedNames::Entry& AskedNames::touch(const std::string& key) {
  if (const auto found = by_key_.find(key); found != by_key_.end()) {
    entries_.splice(entries_.begin(), entries_, found->second);
    return entries_.front();
  }
  entries_.push_front({.key = key, .name = {}});
  by_key_[key] = entries_.begin();
  if (entries_.size() > limit_) {
    by_key_.erase(entries_.back().key);
    entries_.pop_back();
  }
  return entries_.front();
}

void AskedNames::tell(Resolution row, const std::string& name) {
  const std::string key = fmt::format("{} {} {} {} {}", name, row.process, row.response_code,
                                      row.query_type, address_key(row.address, row.family));
  Entry& told = touch(key);
  if (row.answered_us < told.told_until_us) return;
  told.told_until_us =
      row.answered_us + std::max(kTellAgainUs, row.ttl_s * std::uint64_t{1'000'000});
  row.name = observer_.text(name);
  observer_.resolved(row);
}

void AskedNames::answered(const DnsAnswer& answer, std::uint64_t wall_us,
                          std::uint32_t network_namespace, std::uint32_t process) {
  Resolution row;
  row.answered_us = wall_us;
  row.network_namespace = network_namespace;
  row.process = process;
  row.query_type = answer.query_type;
  row.response_code = answer.response_code;
  if (answer.addresses.empty()) return tell(row, answer.name);
  for (const ResolvedAddress& resolved : answer.addresses) {
    touch(address_key(resolved.address, resolved.family)).name = answer.name;
    row.address = resolved.address;
    row.family = resolved.family;
    row.ttl_s = resolved.ttl_s;
    tell(row, answer.name);
  }
}

std::uint32_t AskedNames::name_of(const IpAddress& address, Family family) {
  const auto found = by_key_.find(address_key(address, family));
  return found == by_key_.end() ? 0 : observer_.text(found->second->name);
}

}  // namespace netrec
