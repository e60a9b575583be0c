#include "recorder/surroundings.h"

#include <algorithm>

#include "schema/key_hash.h"

namespace netrec {

namespace {

// Keys of the rows of T in a namespace.
template <class T>
std::vector<std::uint64_t> keys_in(const Snapshot& state, std::uint32_t network_namespace) {
  std::vector<std::uint64_t> keys;
  for (const T& row : state.of<T>())
    if (row.network_namespace == network_namespace) keys.push_back(key_of(row));
  return keys;
}

}  // namespace

Surroundings::Surroundings(Ledger& ledger) : ledger_(ledger) {}

void Surroundings::carry_over() {
  for (const NetworkNamespace& row : ledger_.snapshot().of<NetworkNamespace>())
    by_inode_[row.inode] = {.id = row.id, .cookie = row.cookie, .error = {}};
  // Counters are found again by name, in add_counters().
}

std::uint32_t Surroundings::namespace_id(std::uint32_t inode) const {
  const auto found = by_inode_.find(inode);
  return found == by_inode_.end() ? 0 : found->second.id;
}

// An inode may be given to another namespace once its own is gone; the cookie is not.
std::uint32_t Surroundings::adopt(const NamespaceFacts& facts) {
  NetworkNamespace row{.cookie = facts.cookie,
                       .inode = facts.inode,
                       .name = ledger_.text(facts.name),
                       .time_wait_limit = facts.time_wait_limit,
                       .first_port = facts.first_port,
                       .last_port = facts.last_port};
  if (const auto found = by_inode_.find(facts.inode); found != by_inode_.end()) {
    const auto* old = ledger_.snapshot().of<NetworkNamespace>().find(found->second.id);
    if (row.cookie == 0) row.cookie = old->cookie;  // Not readable any more.
    if (old->cookie == row.cookie || old->cookie == 0) {
      row.id = old->id;
      if (!(row == *old)) ledger_.change(row);
      found.value().cookie = row.cookie;
      return row.id;
    }
  }
  row.id = ledger_.new_namespace_id();
  ledger_.open(row);
  return row.id;
}

std::uint32_t Surroundings::meet_namespace(std::uint32_t inode) {
  const std::uint32_t id = adopt({.inode = inode, .name = {}, .error = {}});
  by_inode_[inode] = {.id = id, .error = {}};
  return id;
}

NamespaceNews Surroundings::namespaces(std::span<const NamespaceFacts> found) {
  NamespaceNews news;
  tsl::robin_map<std::uint32_t, KnownNamespace, KeyHash> now;
  for (const NamespaceFacts& facts : found) {
    const std::uint32_t id = adopt(facts);
    const auto before = by_inode_.find(facts.inode);
    const bool is_told =
        before != by_inode_.end() && before->second.id == id && before->second.error == facts.error;
    if (!facts.readable() && !is_told) news.unreadable.push_back({.id = id, .why = facts.error});
    now[facts.inode] = {.id = id, .cookie = facts.cookie, .error = facts.error};
  }
  for (const auto& [inode, known] : by_inode_)
    if (const auto still = now.find(inode); still == now.end() || still->second.id != known.id)
      news.gone.push_back(known.id);
  by_inode_ = std::move(now);
  for (const std::uint32_t id : news.gone) close_contents(id);
  return news;
}

void Surroundings::close_contents(std::uint32_t network_namespace) {
  for (const std::uint64_t key : keys_in<Interface>(ledger_.snapshot(), network_namespace))
    ledger_.close<Interface>(key, CloseReason::gone);
  for (const std::uint64_t key : keys_in<Counter>(ledger_.snapshot(), network_namespace))
    ledger_.close<Counter>(key, CloseReason::gone);
  counter_ids_.erase(network_namespace);
  ledger_.close<NetworkNamespace>(network_namespace, CloseReason::gone);
}

void Surroundings::begin_interfaces(std::uint32_t network_namespace) {
  shown_.clear();
  shown_in_ = network_namespace;
}

void Surroundings::see(const Interface& observed) {
  shown_.push_back(key_of(observed));
  const Interface* old = ledger_.snapshot().of<Interface>().find(key_of(observed));
  if (old == nullptr)
    ledger_.open(observed);
  else if (!(*old == observed))
    ledger_.change(observed);
}

void Surroundings::end_interfaces(bool whole) {
  if (!whole) return;
  std::sort(shown_.begin(), shown_.end());
  for (const std::uint64_t key : keys_in<Interface>(ledger_.snapshot(), shown_in_))
    if (!std::binary_search(shown_.begin(), shown_.end(), key))
      ledger_.close<Interface>(key, CloseReason::gone);
}

// The order of the counters is that of the kernel's files, and stays.
bool Surroundings::fits(const std::vector<std::uint32_t>& ids,
                        std::span<const CounterValue> values) const {
  if (ids.size() != values.size()) return false;
  // One name in the middle is enough to notice another kernel module's lines.
  const Counter* row = ledger_.snapshot().of<Counter>().find(ids[ids.size() / 2]);
  return row != nullptr && ledger_.snapshot().text(row->name) == values[ids.size() / 2].name;
}

void Surroundings::counters(std::uint32_t network_namespace, std::span<const CounterValue> values) {
  if (values.empty()) return;
  const std::vector<std::uint32_t>& ids = counter_ids_[network_namespace];
  if (!fits(ids, values)) return add_counters(network_namespace, values);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Counter* old = ledger_.snapshot().of<Counter>().find(ids[i]);
    if (old->value == values[i].value) continue;
    Counter now = *old;
    now.value = values[i].value;
    ledger_.change(now);
  }
}

void Surroundings::add_counters(std::uint32_t network_namespace,
                                std::span<const CounterValue> values) {
  tsl::robin_map<std::uint32_t, std::uint32_t, KeyHash> by_name;
  for (const Counter& row : ledger_.snapshot().of<Counter>())
    if (row.network_namespace == network_namespace) by_name[row.name] = row.id;
  std::vector<std::uint32_t> ids;
  for (const CounterValue& value : values) {
    Counter row{.value = value.value,
                .network_namespace = network_namespace,
                .name = ledger_.text(value.name)};
    const auto known = by_name.find(row.name);
    row.id = known == by_name.end() ? ledger_.new_counter_id() : known->second;
    if (known == by_name.end())
      ledger_.open(row);
    else
      ledger_.change(row);
    by_name[row.name] = row.id;
    ids.push_back(row.id);
  }
  counter_ids_[network_namespace] = std::move(ids);
}

void Surroundings::users(std::span<const UserName> users) {
  for (const UserName& user : users) {
    const User row{.uid = user.uid, .name = ledger_.text(user.name)};
    const User* old = ledger_.snapshot().of<User>().find(row.uid);
    if (old == nullptr)
      ledger_.open(row);
    else if (!(*old == row))
      ledger_.change(row);
  }
}

}  // namespace netrec
