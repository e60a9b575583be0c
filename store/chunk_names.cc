#include "store/chunk_names.h"

#include <type_traits>

#include "schema/sharers.h"
#include "store/chunk_layout.h"

namespace netrec {

namespace {

template <class T>
constexpr bool kRefers =
    std::is_same_v<T, Socket> || std::is_same_v<T, Peer> || std::is_same_v<T, Resolution>;

template <class Ids>
void insert(Ids& ids, const Column& values) {
  std::uint64_t last = 0;
  for (const std::uint64_t value : values) {
    if (value == last) continue;
    last = value;
    ids.insert(static_cast<std::uint32_t>(value));
  }
}

}  // namespace

template <class T>
void NameGatherer::add(const EndedFields& fields) {
  if constexpr (kRefers<T>) {
    const auto all = fields_of<T>();
    for (std::uint16_t id = 0; id < all.size(); ++id) {
      const Field<T>& field = all[id];
      if (field.kind == FieldKind::text) insert(texts_, fields(id));
      if (field.name == "sharers") insert(sharers_, fields(id));
      if (field.name == "remote_name" || field.name == "name") insert(remote_names_, fields(id));
      if (field.name == "process") insert(processes_, fields(id));
      if (field.name == "network_namespace") insert(namespaces_, fields(id));
      if (field.name == "uid") {
        insert(users_, fields(id));
        users_.insert(0);  // root is a user too.
      }
    }
  }
}

template <class T>
void NameGatherer::resolve(const Ids& ids, ChunkNames& names) const {
  for (const Frame& frame : input_.frames)
    for (const T& row : frame.delta.of<T>().opened)
      if (ids.count(static_cast<std::uint32_t>(key_of(row))) > 0) names.all.of<T>().insert(row);
  if (input_.carry == nullptr) return;
  for (const std::uint32_t id : ids) {
    const T* row = input_.carry->of<T>().find(id);
    if (row == nullptr || !names.all.of<T>().insert(*row)) continue;
    names.restated.of<T>().opened.push_back(*row);
  }
}

ChunkNames NameGatherer::finish() {
  ChunkNames names;
  resolve<Text>(sharers_, names);
  for (const std::uint32_t id : sharers_)
    for (const std::uint32_t holder : sharers_in(names.all.text(id))) processes_.insert(holder);
  resolve<Process>(processes_, names);
  Ids parents;
  for (const Process& process : names.all.of<Process>()) parents.insert(process.parent);
  for (const std::uint32_t id : processes_) parents.erase(id);
  resolve<Process>(parents, names);
  for (const Process& process : names.all.of<Process>()) {
    for (const Field<Process>& field : fields_of<Process>())
      if (field.kind == FieldKind::text)
        texts_.insert(static_cast<std::uint32_t>(field.get(process)));
    users_.insert(process.uid);
  }
  resolve<User>(users_, names);
  resolve<NetworkNamespace>(namespaces_, names);
  for (const User& user : names.all.of<User>()) texts_.insert(user.name);
  for (const NetworkNamespace& where : names.all.of<NetworkNamespace>()) texts_.insert(where.name);
  resolve<Text>(texts_, names);
  sort(names.restated);
  names.remote_names.assign(remote_names_.begin(), remote_names_.end());
  return names;
}

template void NameGatherer::add<Text>(const EndedFields&);
template void NameGatherer::add<Session>(const EndedFields&);
template void NameGatherer::add<Gap>(const EndedFields&);
template void NameGatherer::add<User>(const EndedFields&);
template void NameGatherer::add<NetworkNamespace>(const EndedFields&);
template void NameGatherer::add<Process>(const EndedFields&);
template void NameGatherer::add<Interface>(const EndedFields&);
template void NameGatherer::add<Counter>(const EndedFields&);
template void NameGatherer::add<Socket>(const EndedFields&);
template void NameGatherer::add<Peer>(const EndedFields&);
template void NameGatherer::add<Resolution>(const EndedFields&);

}  // namespace netrec
