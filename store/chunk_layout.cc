#include "store/chunk_layout.h"

#include <initializer_list>
#include <type_traits>

#include "store/bytes.h"

namespace netrec {

namespace {

template <class T>
std::vector<std::uint16_t> ids(std::initializer_list<std::string_view> names) {
  std::vector<std::uint16_t> fields;
  for (const std::string_view name : names) fields.push_back(field_id<T>(name));
  return fields;
}

// Tuples are tried in this order: a field that found a place in one is left out of the next.
template <class T>
void name_special_fields(KindLayout& layout) {
  if constexpr (std::is_same_v<T, Socket>) {
    layout.opening = field_id<T>("opened_us");
    layout.steering = field_id<T>("state");
    layout.opened_after = field_id<T>("opened_after_us");
    layout.tuples = {ids<T>({"remote_high", "remote_low", "remote_port", "remote_name"}),
                     ids<T>({"remote_high", "remote_low", "remote_name"}),
                     ids<T>({"network_namespace",
                             "family",
                             "transport",
                             "type",
                             "protocol",
                             "interface",
                             "uid",
                             "process",
                             "cgroup",
                             "mark",
                             "local_high",
                             "local_low",
                             "state",
                             "flags",
                             "congestion",
                             "congestion_state",
                             "tcp_options",
                             "window_scale",
                             "type_of_service",
                             "timer",
                             "shutdown",
                             "error"})};
  } else if constexpr (std::is_same_v<T, Peer>) {
    layout.opening = field_id<T>("first_us");
    layout.tuples = {ids<T>({"remote_high", "remote_low", "remote_port", "remote_name"}),
                     ids<T>({"network_namespace", "family", "transport", "protocol", "interface",
                             "process", "local_high", "local_low"})};
  } else if constexpr (std::is_same_v<T, Resolution>) {
    layout.opening = field_id<T>("answered_us");
    layout.tuples = {ids<T>({"name", "address_high", "address_low", "family"}),
                     ids<T>({"network_namespace", "process", "query_type", "response_code"})};
  }
}

template <class T>
void name_related_fields(KindLayout& layout) {
  layout.relative_to.assign(fields_of<T>().size(), -1);
  layout.grows.assign(fields_of<T>().size(), false);
  const auto relate = [&](std::string_view field, std::string_view to) {
    layout.relative_to[field_id<T>(field)] = field_id<T>(to);
  };
  if constexpr (std::is_same_v<T, Socket>) {
    relate("bytes_acked", "bytes_sent");
    relate("min_rtt_us", "rtt_us");
    relate("segments_in", "segments_out");
    relate("data_segments_in", "segments_in");
    relate("data_segments_out", "segments_out");
    relate("delivered", "data_segments_out");
    layout.grows[field_id<T>("cookie")] = layout.grows[field_id<T>("inode")] = true;
  } else if constexpr (std::is_same_v<T, Peer> || std::is_same_v<T, Resolution>) {
    layout.grows[field_id<T>("id")] = true;
  }
}

template <class T>
KindLayout make_layout() {
  KindLayout layout;
  name_special_fields<T>(layout);
  name_related_fields<T>(layout);
  const auto fields = fields_of<T>();
  for (std::size_t id = 0; id < fields.size(); ++id) {
    T probe{};
    fields[id].set(probe, 1);
    layout.part_of_key.push_back(key_of(probe) != key_of(T{}));
    Coding coding = Coding::number;
    if (fields[id].kind == FieldKind::instant_us) coding = Coding::instant_us;
    if (fields[id].kind == FieldKind::instant_ms) coding = Coding::instant_ms;
    if (static_cast<int>(id) == layout.opening) coding = Coding::opening;
    if (static_cast<int>(id) == layout.steering) coding = Coding::steering;
    layout.codings.push_back(coding);
  }
  return layout;
}

}  // namespace

template <class T>
std::uint16_t field_id(std::string_view name) {
  const auto fields = fields_of<T>();
  for (std::uint16_t id = 0; id < fields.size(); ++id)
    if (fields[id].name == name) return id;
  broken_invariant("a field of the layout is not in the schema", __FILE__, __LINE__);
}

template <class T>
const KindLayout& layout_of() {
  static const KindLayout layout = make_layout<T>();
  return layout;
}

template const KindLayout& layout_of<Text>();
template const KindLayout& layout_of<Session>();
template const KindLayout& layout_of<Gap>();
template const KindLayout& layout_of<User>();
template const KindLayout& layout_of<NetworkNamespace>();
template const KindLayout& layout_of<Process>();
template const KindLayout& layout_of<Interface>();
template const KindLayout& layout_of<Counter>();
template const KindLayout& layout_of<Socket>();
template const KindLayout& layout_of<Peer>();
template const KindLayout& layout_of<Resolution>();
template std::uint16_t field_id<Socket>(std::string_view);
template std::uint16_t field_id<Peer>(std::string_view);
template std::uint16_t field_id<Resolution>(std::string_view);

// The code is the rank of the distance among all distances, with that of 0 moved to the front: a
// bijection on 64 bits, whatever the values are.
std::uint64_t instant_code(std::uint64_t value, std::uint64_t anchor_us, Coding coding) {
  const std::uint64_t anchor = coding == Coding::instant_ms ? anchor_us / 1000 : anchor_us;
  if (value == 0) return 0;
  const std::uint64_t never = zigzag(anchor);
  const std::uint64_t distance = zigzag(anchor - value);
  return distance < never ? distance + 1 : distance;
}

std::uint64_t instant_value(std::uint64_t code, std::uint64_t anchor_us, Coding coding) {
  const std::uint64_t anchor = coding == Coding::instant_ms ? anchor_us / 1000 : anchor_us;
  if (code == 0) return 0;
  const std::uint64_t never = zigzag(anchor);
  return anchor - unzigzag(code <= never ? code - 1 : code);
}

}  // namespace netrec
