#include "recorder/holder_table.h"

#include <algorithm>

namespace netrec {

void HolderTable::set(Holder holder, std::uint32_t inode) {
  Sockets& sockets = processes_[holder.pid];
  const auto [place, is_new] = sockets.try_emplace(holder.descriptor, inode);
  if (!is_new) {
    if (place->second == inode) return;
    const std::uint32_t old = place->second;
    place.value() = inode;
    forget(holder, old);
  }
  changed_.push_back(inode);
  const auto [first, alone] = first_.try_emplace(inode, holder);
  if (alone) return;
  std::vector<Holder>& all = several_[inode];
  if (all.empty()) all.push_back(first->second);
  all.insert(std::lower_bound(all.begin(), all.end(), holder), holder);
  first.value() = all.front();
}

void HolderTable::clear(Holder holder) {
  const auto process = processes_.find(holder.pid);
  if (process == processes_.end()) return;
  const auto socket = process->second.find(holder.descriptor);
  if (socket == process->second.end()) return;
  const std::uint32_t inode = socket->second;
  process.value().erase(holder.descriptor);
  forget(holder, inode);
}

// The socket's side of it.
void HolderTable::forget(Holder holder, std::uint32_t inode) {
  changed_.push_back(inode);
  const auto all = several_.find(inode);
  if (all == several_.end()) {
    first_.erase(inode);
    return;
  }
  std::erase(all.value(), holder);
  first_[inode] = all->second.front();
  if (all->second.size() == 1) several_.erase(inode);
}

void HolderTable::remove_process(std::uint32_t pid, std::vector<std::uint32_t>& orphans) {
  const auto process = processes_.find(pid);
  if (process == processes_.end()) return;
  const Sockets sockets = process->second;
  processes_.erase(pid);
  for (const auto& [descriptor, inode] : sockets) {
    forget({.pid = pid, .descriptor = descriptor}, inode);
    if (!first_.contains(inode)) orphans.push_back(inode);
  }
}

void HolderTable::remove_socket(std::uint32_t inode, std::vector<Holder>& freed) {
  for (const Holder& holder : holders(inode)) {
    freed.push_back(holder);
    if (const auto process = processes_.find(holder.pid); process != processes_.end())
      process.value().erase(holder.descriptor);
  }
  several_.erase(inode);
  first_.erase(inode);
}

std::span<const Holder> HolderTable::holders(std::uint32_t inode) const {
  if (const auto all = several_.find(inode); all != several_.end()) return all->second;
  const auto first = first_.find(inode);
  if (first == first_.end()) return {};
  return {&first->second, 1};
}

const HolderTable::Sockets* HolderTable::sockets_of(std::uint32_t pid) const {
  const auto found = processes_.find(pid);
  return found == processes_.end() ? nullptr : &found->second;
}

void HolderTable::take_changed(std::vector<std::uint32_t>& changed) {
  std::sort(changed_.begin(), changed_.end());
  changed_.erase(std::unique(changed_.begin(), changed_.end()), changed_.end());
  changed.swap(changed_);
  changed_.clear();
}

}  // namespace netrec
