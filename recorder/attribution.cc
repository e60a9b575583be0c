#include "recorder/attribution.h"

#include <fmt/format.h>

#include <vector>

#include "schema/key_hash.h"

namespace netrec {

namespace {

void set_flag(Socket& socket, SocketFlag flag, bool value) {
  const auto bit = static_cast<unsigned>(flag);
  socket.flags = static_cast<std::uint8_t>(value ? socket.flags | bit : socket.flags & ~bit);
}

}  // namespace

Attribution::Attribution(Ledger& ledger, Sockets& sockets, Processes& processes)
    : ledger_(ledger), sockets_(sockets), processes_(processes) {}

OwnersReport Attribution::update() {
  const InodeChanges inodes = sockets_.take_inode_changes();
  const OwnersReport report = owners_.update(inodes.appeared, inodes.departed);
  for (const std::uint32_t inode : inodes.appeared) assign(inode);
  for (const std::uint32_t inode : owners_.changed()) assign(inode);
  follow_program_changes();
  return report;
}

void Attribution::assign(std::uint32_t inode) {
  const Socket* row = sockets_.with_inode(inode);
  if (row == nullptr) return;
  Socket now = *row;
  const std::span<const Holder> holders = owners_.holders(inode);
  set_flag(now, SocketFlag::owner_unsure, holders.empty() && now.process == 0);
  set_flag(now, SocketFlag::orphan, holders.empty() && now.process != 0);
  const Holder* chosen = nullptr;
  for (const Holder& holder : holders)
    if (chosen == nullptr || (now.process != 0 && processes_.known(holder.pid) == now.process &&
                              processes_.known(chosen->pid) != now.process))
      chosen = &holder;
  if (chosen != nullptr) {
    // 0: it went between the look at its descriptors and this; who it was stays open.
    if (const std::uint32_t run = processes_.run_of(chosen->pid); run != 0) now.process = run;
    set_flag(now, SocketFlag::owner_unsure, now.process == 0);
    now.descriptor = chosen->descriptor;
  }
  now.sharers = holders.size() > 1 ? ledger_.text(sharers_text(holders)) : 0;
  if (!(now == *row)) sockets_.own(now);
}

// "12:5,14:5": process id and descriptor of each holder.
std::string Attribution::sharers_text(std::span<const Holder> holders) {
  std::string text;
  for (const Holder& holder : holders) {
    const std::uint32_t run = processes_.run_of(holder.pid);
    if (run == 0) continue;
    fmt::format_to(std::back_inserter(text), "{}{}:{}", text.empty() ? "" : ",", run,
                   holder.descriptor);
  }
  return text;
}

void Attribution::follow_program_changes() {
  const std::vector<ProgramChange> changes = processes_.take_changes();
  if (changes.empty()) return;
  tsl::robin_map<std::uint32_t, std::uint32_t, KeyHash> successor;
  for (const ProgramChange& change : changes) successor[change.before] = change.after;
  std::vector<Socket> moved;
  for (const Socket& row : ledger_.sockets()) {
    const auto found = successor.find(row.process);
    if (found == successor.end() || has(row, SocketFlag::orphan)) continue;
    moved.push_back(row);
    moved.back().process = found->second;
  }
  for (const Socket& row : moved) sockets_.own(row);
}

}  // namespace netrec
