#include "schema/delta.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <type_traits>

#include "schema/sort_by_key.h"

namespace netrec {

namespace {

// The row of `table` with this key. Two states that are not far from each other mostly have it in
// the same place.
template <class T>
const T* find_near(const Table<T>& table, std::size_t place, std::uint64_t key) {
  if (place < table.size() && key_of(table.rows()[place]) == key) return &table.rows()[place];
  return table.find(key);
}

template <class T>
void diff_kind(const Table<T>& before, const Table<T>& after, Changes<T>& changes) {
  std::vector<bool> stays(before.size());
  for (std::size_t place = 0; place < after.size(); ++place) {
    const T& row = after.rows()[place];
    const T* old = find_near(before, place, key_of(row));
    if (old == nullptr) {
      changes.opened.push_back(row);
      continue;
    }
    stays[static_cast<std::size_t>(old - before.rows().data())] = true;
    compare(*old, row, changes);
  }
  for (std::size_t place = 0; place < before.size(); ++place)
    if (!stays[place]) changes.closed.push_back({.key = key_of(before.rows()[place])});
}

template <class T>
std::size_t apply_kind(const Changes<T>& changes, Table<T>& table) {
  std::size_t misfits = 0;
  for (const T& row : changes.opened)
    if (!table.insert(row)) ++misfits;
  const auto fields = fields_of<T>();
  for (const Change& change : changes.changed) {
    T* row = table.find(change.key);
    if (row == nullptr || change.field >= fields.size()) {
      ++misfits;
      continue;
    }
    const Field<T>& field = fields[change.field];
    field.set(*row, change.value);
    if (key_of(*row) != change.key) {  // A field that is part of the key cannot change.
      ++misfits;
      table.erase(change.key);
    }
  }
  for (const Closed& closed : changes.closed)
    if (!table.erase(closed.key)) ++misfits;
  return misfits;
}

template <class T>
void sort_kind(Changes<T>& changes) {
  sort_by_key(changes.opened);
  std::stable_sort(changes.changed.begin(), changes.changed.end(), happens_before);
  std::sort(changes.closed.begin(), changes.closed.end());
}

// Which fields lie in each eight bytes of a row: found out once, by setting each of them. Rows are
// compared for each event of a busy host, and most of a row is equal.
template <class T>
class FieldsByWord {
 public:
  static_assert(std::is_trivially_copyable_v<T>, "a row is looked at as bytes");
  static constexpr std::size_t kWords = (sizeof(T) + 7) / 8;
  using Words = std::array<std::uint64_t, kWords>;

  FieldsByWord() {
    const auto fields = fields_of<T>();
    for (std::uint16_t id = 0; id < fields.size(); ++id) {
      T without{}, with{};
      fields[id].set(without, 0);
      fields[id].set(with, UINT64_MAX);
      const Words a = words_of(without), b = words_of(with);
      for (std::size_t word = 0; word < kWords; ++word)
        if (a[word] != b[word]) fields_[word].push_back(id);
    }
  }

  static Words words_of(const T& row) {
    Words words{};
    std::memcpy(words.data(), &row, sizeof(T));
    return words;
  }
  const std::vector<std::uint16_t>& in(std::size_t word) const { return fields_[word]; }

 private:
  std::array<std::vector<std::uint16_t>, kWords> fields_;
};

}  // namespace

template <class T>
void compare(const T& before, const T& after, Changes<T>& changes) {
  // The bytes first: of a hundred thousand rows nearly all are the same to the last one. Bytes that
  // differ (of a gap between fields, too) are compared as rows.
  // NOLINTNEXTLINE(bugprone-suspicious-memory-comparison,cert-exp42-c,cert-flp37-c)
  if (std::memcmp(&before, &after, sizeof(T)) == 0 || before == after) return;
  static const FieldsByWord<T> kFields;
  const auto fields = fields_of<T>();
  const auto a = kFields.words_of(before), b = kFields.words_of(after);
  const auto first = static_cast<std::ptrdiff_t>(changes.changed.size());
  for (std::size_t word = 0; word < a.size(); ++word) {
    if (a[word] == b[word]) continue;
    for (const std::uint16_t id : kFields.in(word)) {
      const std::uint64_t value = fields[id].get(after);
      if (value != fields[id].get(before))
        changes.changed.push_back({.key = key_of(after), .value = value, .field = id});
    }
  }
  std::sort(changes.changed.begin() + first, changes.changed.end(),
            [](const Change& x, const Change& y) { return x.field < y.field; });
}

// A text never changes under its id.
template <>
void compare(const Text&, const Text&, Changes<Text>&) {}

template void compare(const Session&, const Session&, Changes<Session>&);
template void compare(const Gap&, const Gap&, Changes<Gap>&);
template void compare(const User&, const User&, Changes<User>&);
template void compare(const NetworkNamespace&, const NetworkNamespace&, Changes<NetworkNamespace>&);
template void compare(const Process&, const Process&, Changes<Process>&);
template void compare(const Interface&, const Interface&, Changes<Interface>&);
template void compare(const Counter&, const Counter&, Changes<Counter>&);
template void compare(const Socket&, const Socket&, Changes<Socket>&);
template void compare(const Peer&, const Peer&, Changes<Peer>&);
template void compare(const Resolution&, const Resolution&, Changes<Resolution>&);

bool Delta::empty() const {
  return std::apply([](const auto&... kind) { return (kind.empty() && ...); }, kinds);
}

std::size_t Delta::size() const {
  return std::apply([](const auto&... kind) { return (kind.size() + ...); }, kinds);
}

std::size_t Snapshot::size() const {
  return std::apply([](const auto&... kind) { return (kind.size() + ...); }, kinds);
}

std::string_view Snapshot::text(std::uint32_t id) const {
  const Text* found = id == 0 ? nullptr : of<Text>().find(id);
  return found == nullptr ? std::string_view{} : std::string_view(found->bytes);
}

Delta diff(const Snapshot& before, const Snapshot& after) {
  Delta delta;
  std::apply(
      [&](auto&... kind) {
        const auto one = [&]<class T>(Changes<T>& changes) {
          diff_kind(before.of<T>(), after.of<T>(), changes);
        };
        (one(kind), ...);
      },
      delta.kinds);
  sort(delta);
  return delta;
}

std::size_t apply(const Delta& delta, Snapshot& snapshot) {
  std::size_t misfits = 0;
  std::apply(
      [&](const auto&... kind) {
        const auto one = [&]<class T>(const Changes<T>& changes) {
          misfits += apply_kind(changes, snapshot.of<T>());
        };
        (one(kind), ...);
      },
      delta.kinds);
  return misfits;
}

std::vector<Socket> departed_in(const Delta& delta, const Snapshot& before) {
  const Changes<Socket>& changes = delta.of<Socket>();
  if (changes.closed.empty()) return {};
  Table<Socket> rows;  // In canonical order a key's changes lie together, but nobody promised it.
  for (const Closed& closed : changes.closed)
    if (const Socket* row = before.of<Socket>().find(closed.key)) rows.insert(*row);
  Changes<Socket> theirs;
  const auto closes = [&](std::uint64_t key) {
    const auto found = std::lower_bound(changes.closed.begin(), changes.closed.end(), key,
                                        [](const Closed& a, std::uint64_t b) { return a.key < b; });
    return found != changes.closed.end() && found->key == key;
  };
  for (const Socket& row : changes.opened)
    if (closes(row.cookie)) theirs.opened.push_back(row);
  for (const Change& change : changes.changed)
    if (closes(change.key)) theirs.changed.push_back(change);
  apply_kind(theirs, rows);
  return rows.rows();
}

void sort(Delta& delta) {
  std::apply([](auto&... kind) { (sort_kind(kind), ...); }, delta.kinds);
}

}  // namespace netrec
