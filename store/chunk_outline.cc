#include "store/chunk_outline.h"

#include <algorithm>
#include <type_traits>

namespace netrec {

namespace {

// A filter over more is not worth its bytes: nearly every chunk would say "perhaps".
constexpr std::size_t kMostAddresses = 1 << 16;
constexpr std::size_t kMostPorts = 2048;
constexpr std::size_t kMostIds = 1 << 14;

}  // namespace

void OutlineBuilder::add_addresses(const Column& high, const Column& low, End& end) {
  IpAddress last;
  for (std::size_t i = 0; i < high.size(); ++i) {
    const IpAddress address{.high = high[i], .low = low[i]};
    if (i > 0 && address == last) continue;
    last = address;
    end.range.include(address_order(address));
    end.addresses.push_back(address_key(address));
    end.prefixes.push_back(prefix_key(address));
  }
}

void OutlineBuilder::add_ports(const Column& ports, End& end) {
  end.has_port.resize(UINT16_MAX + 1);
  for (const std::uint64_t port : ports) {
    end.port_range.include(port);
    end.has_port[static_cast<std::uint16_t>(port)] = true;
  }
}

std::vector<std::uint64_t> OutlineBuilder::End::ports() const {
  std::vector<std::uint64_t> ports;
  for (std::size_t port = 0; port < has_port.size(); ++port)
    if (has_port[port]) ports.push_back(port);
  return ports;
}

template <class T>
void OutlineBuilder::add(const EndedFields& fields) {
  constexpr bool kIsEnd = std::is_same_v<T, Socket> || std::is_same_v<T, Peer>;
  if constexpr (kIsEnd) {
    const auto of = [&](std::string_view field) -> const Column& {
      return fields(field_id<T>(field));
    };
    add_addresses(of("remote_high"), of("remote_low"), remote_);
    add_addresses(of("local_high"), of("local_low"), local_);
    add_ports(of("remote_port"), remote_);
    add_ports(of("local_port"), local_);
    for (const std::uint64_t transport : of("transport"))
      outline_.transports |= std::uint64_t{1} << (transport % 64);
  } else if constexpr (std::is_same_v<T, Resolution>) {
    add_addresses(fields(field_id<T>("address_high")), fields(field_id<T>("address_low")), remote_);
  }
  if (layout_of<T>().opening < 0) return;
  for (const std::uint64_t opened : fields(static_cast<std::uint16_t>(layout_of<T>().opening)))
    opened_.include(opened);
}

template void OutlineBuilder::add<Text>(const EndedFields&);
template void OutlineBuilder::add<Session>(const EndedFields&);
template void OutlineBuilder::add<Gap>(const EndedFields&);
template void OutlineBuilder::add<User>(const EndedFields&);
template void OutlineBuilder::add<NetworkNamespace>(const EndedFields&);
template void OutlineBuilder::add<Process>(const EndedFields&);
template void OutlineBuilder::add<Interface>(const EndedFields&);
template void OutlineBuilder::add<Counter>(const EndedFields&);
template void OutlineBuilder::add<Socket>(const EndedFields&);
template void OutlineBuilder::add<Peer>(const EndedFields&);
template void OutlineBuilder::add<Resolution>(const EndedFields&);

void OutlineBuilder::add_names(const Snapshot& names,
                               const std::vector<std::uint32_t>& remote_names) {
  for (const Process& process : names.of<Process>()) {
    pids_.push_back(process.pid);
    const std::string_view exe = names.text(process.exe);
    programs_.push_back(text_key(exe));
    programs_.push_back(text_key(exe.substr(exe.rfind('/') + 1)));
    programs_.push_back(text_key(names.text(process.comm)));
  }
  for (const std::uint32_t name : remote_names) names_.push_back(text_key(names.text(name)));
}

OutlineBuilder::Gathered OutlineBuilder::finish() {
  Gathered all;
  all.first_opened_us = opened_.least > opened_.most ? 0 : opened_.least;
  outline_.remote = remote_.range;
  outline_.local = local_.range;
  outline_.remote_port = remote_.port_range;
  outline_.local_port = local_.port_range;
  for (KeyFilter* filter : outline_.filters()) *filter = KeyFilter::anything();
  all.outline = std::move(outline_);
  all.keys.of = {std::move(remote_.addresses),
                 std::move(remote_.prefixes),
                 std::move(local_.addresses),
                 remote_.ports(),
                 local_.ports(),
                 std::move(pids_),
                 std::move(programs_),
                 std::move(names_)};
  for (std::vector<std::uint64_t>& keys : all.keys.of) {
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  }
  return all;
}

void add_filters(const SearchKeys& keys, Outline& outline) {
  constexpr std::size_t kMost[] = {kMostAddresses, kMostAddresses, kMostAddresses, kMostPorts,
                                   kMostPorts,     kMostIds,       kMostIds,       kMostIds};
  const auto filters = outline.filters();
  for (std::size_t kind = 0; kind < kKeyKinds; ++kind)
    *filters[kind] = KeyFilter::of(keys.of[kind], kMost[kind]);
}

}  // namespace netrec
