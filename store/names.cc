#include "store/names.h"

#include <algorithm>

#include "store/bytes.h"

namespace netrec {

void Names::begin(const Snapshot& snapshot) {
  *this = {};
  for (const Text& text : snapshot.of<Text>()) texts_.insert_or_assign(text.id, text.bytes);
  for (const Process& process : snapshot.of<Process>())
    programs_.insert_or_assign(process.id, Program{process.exe, process.comm});
}

void Names::drop_closed() {
  for (const Closed& closed : closed_texts_) texts_.erase(static_cast<std::uint32_t>(closed.key));
  for (const Closed& closed : closed_programs_)
    programs_.erase(static_cast<std::uint32_t>(closed.key));
}

void Names::follow(const Delta& delta) {
  drop_closed();
  closed_texts_ = delta.of<Text>().closed;
  closed_programs_ = delta.of<Process>().closed;
  for (const Text& text : delta.of<Text>().opened) texts_.insert_or_assign(text.id, text.bytes);
  for (const Process& process : delta.of<Process>().opened)
    programs_.insert_or_assign(process.id, Program{process.exe, process.comm});
}

std::string_view Names::text(std::uint32_t id) const {
  const auto found = texts_.find(id);
  return found == texts_.end() ? std::string_view{} : std::string_view(found->second);
}

std::string Names::program(std::uint32_t process) const {
  const auto found = programs_.find(process);
  if (found == programs_.end()) return {};
  const std::string_view exe = text(found->second.exe);
  return exe.empty() ? fmt::format("[{}]", text(found->second.comm)) : std::string(exe);
}

namespace {

template <class Rows>
void raise(std::uint64_t& next, const Rows& rows) {
  for (const auto& row : rows) next = std::max<std::uint64_t>(next, std::uint64_t{row.id} + 1);
}

}  // namespace

void NextIds::follow(const Delta& delta) {
  raise(text, delta.of<Text>().opened);
  raise(process, delta.of<Process>().opened);
  raise(network_namespace, delta.of<NetworkNamespace>().opened);
  raise(counter, delta.of<Counter>().opened);
  raise(peer, delta.of<Peer>().opened);
  raise(resolution, delta.of<Resolution>().opened);
}

void NextIds::follow(const Snapshot& snapshot) {
  raise(text, snapshot.of<Text>());
  raise(process, snapshot.of<Process>());
  raise(network_namespace, snapshot.of<NetworkNamespace>());
  raise(counter, snapshot.of<Counter>());
  raise(peer, snapshot.of<Peer>());
  raise(resolution, snapshot.of<Resolution>());
}

void NextIds::skip(std::uint64_t count) {
  for (std::uint64_t* id : {&text, &process, &network_namespace, &counter, &peer, &resolution})
    *id += count;
}

std::string NextIds::encode() const {
  std::string bytes;
  for (const std::uint64_t id : {text, process, network_namespace, counter, peer, resolution})
    put_varint(bytes, id);
  return bytes;
}

Result<NextIds> NextIds::decode(std::string_view bytes) {
  NextIds ids;
  ByteReader in(bytes);
  for (std::uint64_t* id :
       {&ids.text, &ids.process, &ids.network_namespace, &ids.counter, &ids.peer, &ids.resolution})
    *id = in.varint_up_to(std::uint64_t{1} << 32);
  if (!in.at_end()) return failure(ErrorKind::corrupt, "the next free ids cannot be read");
  return ids;
}

}  // namespace netrec
