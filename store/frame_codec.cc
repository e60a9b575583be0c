#include "store/frame_codec.h"

#include <algorithm>
#include <numeric>
#include <type_traits>

#include "store/bytes.h"
#include "store/memory.h"

namespace netrec {

namespace {

enum class ColumnForm : std::uint8_t { constant = 0, plain = 1, differences = 2 };

std::size_t varint_size(std::uint64_t value) {
  return value < 0x80 ? 1 : (static_cast<std::size_t>(70 - __builtin_clzll(value))) / 7;
}

using Column = std::vector<std::uint64_t>;

void put_differences(std::string& out, const Column& values) {
  std::uint64_t before = 0;
  for (const std::uint64_t value : values) {
    put_varint(out, zigzag(value - before));
    before = value;
  }
}

ColumnForm shortest_form(const Column& values) {
  std::size_t plain = 0;
  std::size_t differences = 0;
  std::uint64_t before = 0;
  bool constant = true;
  for (const std::uint64_t value : values) {
    plain += varint_size(value);
    differences += varint_size(zigzag(value - before));
    constant = constant && value == values.front();
    before = value;
  }
  if (constant) return ColumnForm::constant;
  return differences < plain ? ColumnForm::differences : ColumnForm::plain;
}

void put_column(std::string& out, const Column& values) {
  const ColumnForm form = shortest_form(values);
  out.push_back(static_cast<char>(form));
  if (form == ColumnForm::constant) {
    put_varint(out, values.front());
  } else if (form == ColumnForm::plain) {
    for (const std::uint64_t value : values) put_varint(out, value);
  } else {
    put_differences(out, values);
  }
}

void read_differences(ByteReader& in, Column& values) {
  std::uint64_t before = 0;
  for (std::uint64_t& value : values) value = before += unzigzag(in.varint());
}

// REQUIRES values.size() to be right already.
void read_column(ByteReader& in, Column& values) {
  switch (static_cast<ColumnForm>(in.byte())) {
    case ColumnForm::constant:
      std::fill(values.begin(), values.end(), in.varint());
      break;
    case ColumnForm::plain:
      for (std::uint64_t& value : values) value = in.varint();
      break;
    case ColumnForm::differences:
      read_differences(in, values);
      break;
    default:
      in.fail();
  }
}

// One block of rows, told as pointers so that a delta's list and a snapshot's table, in whatever
// order it lies, are the same.
template <class T>
void put_block(std::string& out, std::span<const T* const> rows, Column& values) {
  const auto fields = fields_of<T>();
  std::string columns;
  std::uint64_t count = 0;
  values.resize(rows.size());
  for (std::size_t id = 0; id < fields.size(); ++id) {
    std::uint64_t any = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) any |= values[i] = fields[id].get(*rows[i]);
    if (any == 0) continue;
    ++count;
    put_varint(columns, id);
    put_column(columns, values);
  }
  put_varint(out, count);
  out += columns;
  if constexpr (std::is_same_v<T, Text>) {
    for (const Text* row : rows) put_varint(out, row->bytes.size());
    for (const Text* row : rows) out += row->bytes;
  }
}

template <class T>
void put_opened(std::string& out, std::span<const T* const> rows) {
  Column values;
  for (std::size_t first = 0; first < rows.size(); first += kBlockRows)
    put_block<T>(out, rows.subspan(first, std::min(kBlockRows, rows.size() - first)), values);
}

void put_changes(std::string& out, const std::vector<Change>& changes) {
  if (changes.empty()) return;
  Column values(changes.size());
  const auto column_of = [&](auto member) -> const Column& {
    for (std::size_t i = 0; i < changes.size(); ++i) values[i] = changes[i].*member;
    return values;
  };
  put_differences(out, column_of(&Change::key));
  put_column(out, column_of(&Change::field));
  put_column(out, column_of(&Change::at));
  put_column(out, column_of(&Change::value));
}

void put_closes(std::string& out, const std::vector<Closed>& closes) {
  if (closes.empty()) return;
  Column values(closes.size());
  const auto column_of = [&](auto member) -> const Column& {
    for (std::size_t i = 0; i < closes.size(); ++i)
      values[i] = static_cast<std::uint64_t>(closes[i].*member);
    return values;
  };
  put_differences(out, column_of(&Closed::key));
  put_column(out, column_of(&Closed::at));
  put_column(out, column_of(&Closed::reason));
}

void put_kind_header(std::string& out, EntityKind kind, std::size_t opened, std::size_t changed,
                     std::size_t closed) {
  out.push_back(static_cast<char>(kind));
  put_varint(out, opened);
  put_varint(out, changed);
  put_varint(out, closed);
}

template <class T>
void put_kind(std::string& out, const Changes<T>& changes) {
  if (changes.empty()) return;
  put_kind_header(out, EntityTraits<T>::kind, changes.opened.size(), changes.changed.size(),
                  changes.closed.size());
  std::vector<const T*> rows(changes.opened.size());
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = &changes.opened[i];
  put_opened<T>(out, rows);
  put_changes(out, changes.changed);
  put_closes(out, changes.closed);
}

template <class T>
void put_table(std::string& out, const Table<T>& table) {
  if (table.empty()) return;
  put_kind_header(out, EntityTraits<T>::kind, table.size(), 0, 0);
  std::vector<const T*> rows(table.size());
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = &table.rows()[i];
  std::sort(rows.begin(), rows.end(),
            [](const T* a, const T* b) { return key_of(*a) < key_of(*b); });
  put_opened<T>(out, rows);
}

/// A column that is left out is zero in every row, whatever a row is made with.
template <class T>
void clear_fields(std::span<T> rows) {
  for (const Field<T>& field : fields_of<T>())
    if (field.get(T{}) != 0)
      for (T& row : rows) field.set(row, 0);
}

template <class T>
void read_block(ByteReader& in, std::span<T> rows, Column& values) {
  const auto fields = fields_of<T>();
  clear_fields(rows);
  values.resize(rows.size());
  const std::uint64_t columns = in.varint_up_to(fields.size());
  std::uint64_t least = 0;
  for (std::uint64_t i = 0; i < columns && in.ok(); ++i) {
    const std::uint64_t id = in.varint();
    if (id < least || id >= fields.size()) return in.fail();
    least = id + 1;
    read_column(in, values);
    fields[id].set_all(rows, values.data());
  }
  if constexpr (std::is_same_v<T, Text>) {
    for (std::uint64_t& size : values) size = in.varint_up_to(kLongestText);
    for (std::size_t row = 0; row < rows.size(); ++row) rows[row].bytes = in.raw(values[row]);
  }
}

// Keys ascend strictly: it is canonical, and it makes every row cost a byte at least, so that a
// lying count allocates in proportion to what is there.
template <class T>
void read_opened(ByteReader& in, std::uint64_t count, std::vector<T>& rows) {
  Column values;
  // Room at once: growing copies a hundred thousand sockets. No more than what is there may hold.
  constexpr std::size_t kLikelyRowBytes = 8;
  // Of those of a tick, huge pages cost more than they save: the kernel makes room for each.
  constexpr std::size_t kManyRows = 50'000;
  const std::size_t likely = std::min<std::size_t>(count, in.remaining() / kLikelyRowBytes);
  if (likely > kBlockRows) {
    rows.reserve(likely + likely / 8);  // The next frames open some, too.
    if (likely >= kManyRows) wish_for_huge_pages(rows);
  }
  while (rows.size() < count && in.ok()) {
    const std::size_t first = rows.size();
    const auto size = std::min<std::size_t>(kBlockRows, static_cast<std::size_t>(count) - first);
    if (size > in.remaining()) return in.fail();
    rows.resize(first + size);
    read_block<T>(in, std::span(rows).subspan(first), values);
    for (std::size_t i = std::max<std::size_t>(first, 1); i < rows.size(); ++i)
      if (key_of(rows[i]) <= key_of(rows[i - 1])) return in.fail();
  }
}

void read_changes(ByteReader& in, std::uint64_t count, std::vector<Change>& changes) {
  if (count == 0 || !in.ok()) return;
  if (count > in.remaining()) return in.fail();
  Column values(static_cast<std::size_t>(count));
  changes.resize(values.size());
  read_differences(in, values);
  for (std::size_t i = 0; i < values.size(); ++i) changes[i].key = values[i];
  read_column(in, values);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] > UINT16_MAX) return in.fail();
    changes[i].field = static_cast<std::uint16_t>(values[i]);
  }
  read_column(in, values);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] > UINT32_MAX) return in.fail();
    changes[i].at = static_cast<std::uint32_t>(values[i]);
  }
  read_column(in, values);
  for (std::size_t i = 0; i < values.size(); ++i) changes[i].value = values[i];
}

void read_closes(ByteReader& in, std::uint64_t count, std::vector<Closed>& closes) {
  if (count == 0 || !in.ok()) return;
  if (count > in.remaining()) return in.fail();
  Column values(static_cast<std::size_t>(count));
  closes.resize(values.size());
  read_differences(in, values);
  for (std::size_t i = 0; i < values.size(); ++i) closes[i].key = values[i];
  read_column(in, values);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] > UINT32_MAX) return in.fail();
    closes[i].at = static_cast<std::uint32_t>(values[i]);
  }
  read_column(in, values);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] == 0 || values[i] > UINT8_MAX) return in.fail();
    closes[i].reason = static_cast<CloseReason>(values[i]);
  }
}

template <class T>
void read_kind(ByteReader& in, Changes<T>& changes) {
  const std::uint64_t opened = in.varint_up_to(kMostOpened);
  const std::uint64_t changed = in.varint_up_to(kMostChanges);
  const std::uint64_t closed = in.varint_up_to(kMostChanges);
  if (opened + changed + closed == 0) return in.fail();
  read_opened(in, opened, changes.opened);
  read_changes(in, changed, changes.changed);
  read_closes(in, closed, changes.closed);
}

// Reads kinds in ascending order into what `changes_of<T>` gives.
void read_kinds(ByteReader& in, Delta& delta) {
  std::uint8_t next = in.byte();
  std::apply(
      [&](auto&... kinds) {
        const auto one = [&]<class T>(Changes<T>& changes) {
          if (!in.ok() || next != static_cast<std::uint8_t>(EntityTraits<T>::kind)) return;
          read_kind(in, changes);
          next = in.byte();
        };
        (one(kinds), ...);
      },
      delta.kinds);
  if (next != 0) in.fail();
}

}  // namespace

std::string encode_delta(const Delta& delta) {
  std::string out;
  std::apply([&](const auto&... kinds) { (put_kind(out, kinds), ...); }, delta.kinds);
  out.push_back('\0');
  return out;
}

std::string encode_keyframe(const Snapshot& snapshot) {
  std::string out;
  std::apply([&](const auto&... kinds) { (put_table(out, kinds), ...); }, snapshot.kinds);
  out.push_back('\0');
  return out;
}

Result<Delta> decode_delta(std::string_view bytes) {
  if (bytes.size() > kMostFrameBytes)
    return failure(ErrorKind::corrupt, "a frame of {} bytes", bytes.size());
  Delta delta;
  ByteReader in(bytes);
  read_kinds(in, delta);
  if (!in.at_end()) return failure(ErrorKind::corrupt, "not a frame of this format");
  return delta;
}

Result<Snapshot> decode_keyframe(std::string_view bytes) {
  NETREC_TRY(delta, decode_delta(bytes));
  Snapshot snapshot;
  if (apply(delta, snapshot) != 0)
    return failure(ErrorKind::corrupt, "a keyframe that is not whole");
  return snapshot;
}

}  // namespace netrec
