// The table-driven heart of the format. Everything netrec records is an *entity*: a key and a row
// of unsigned integers, with a life (it opens, its fields change, it closes). What the fields are
// is said once, in the table beside each entity's struct; frames, chunks, diffs, SQL columns, JSON
// keys and the `.schema` texts are all driven by these tables, so that a new fact is one line.
//
// Strings are entities too (Text) and are referred to by their id: a command line is stored once.
//
// Refused: a serialization framework (none orders bytes canonically, and the hash chain needs one
// form only), a class hierarchy with virtual fields (a hundred thousand sockets a tick).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace netrec {

/// The kinds of entity. The numbers are in the file and are never reused.
enum class EntityKind : std::uint8_t {
  text = 1,
  session = 2,
  gap = 3,
  user = 4,
  network_namespace = 5,
  process = 6,
  interface = 7,
  counter = 8,
  socket = 9,
  peer = 10,
  resolution = 11,
};

/// What a field's number is: decides how it is printed, and how its column is packed.
enum class FieldKind : std::uint8_t {
  number,      ///< goes up and down: a queue, an rtt
  counter,     ///< only grows while the entity lives
  identity,    ///< set when the entity opens, hardly ever changes
  code,        ///< an enumeration or a set of flags
  text,        ///< id of a Text (0: none)
  reference,   ///< id of another entity (0: none)
  instant_us,  ///< wall clock, microseconds since 1970 (0: never, or not known)
  instant_ms,  ///< wall clock, milliseconds since 1970 (0: never, or not known)
};

/// One field of entity T: its name in SQL and JSON (the unit is in the name), what it means and
/// where the kernel says so, and access to it as a number.
template <class T>
struct Field {
  std::string_view name;
  FieldKind kind;
  std::string_view about;
  std::uint64_t (*get)(const T&);
  void (*set)(T&, std::uint64_t);
  void (*set_all)(std::span<T>, const std::uint64_t*);  ///< one value a row
};

/// Specialised beside each entity: `kind`, `name`, `fields()` in the order of their ids (append
/// only: a field's index is its id in the file), and the key.
template <class T>
struct EntityTraits;

/// The fields of T; the index of a field is its id in the file.
template <class T>
std::span<const Field<T>> fields_of() {
  return EntityTraits<T>::fields();
}

/// Identifies an entity of type T for as long as it lives, within its session.
template <class T>
std::uint64_t key_of(const T& row) {
  return EntityTraits<T>::key(row);
}

}  // namespace netrec

/// One line of a field table. The name in the file is given apart from the member so that a member
/// can be renamed without touching the format.
#define NETREC_FIELD(Type, member, name, kind, about)                                           \
  ::netrec::Field<Type> {                                                                       \
    name, ::netrec::FieldKind::kind, about,                                                     \
        [](const Type& row) { return static_cast<std::uint64_t>(row.member); },                 \
        [](Type& row, std::uint64_t value) {                                                    \
          row.member = static_cast<std::remove_reference_t<decltype(row.member)>>(value);       \
        },                                                                                      \
        [](std::span<Type> rows, const std::uint64_t* values) {                                 \
          for (Type & row : rows)                                                               \
            row.member = static_cast<std::remove_reference_t<decltype(row.member)>>(*values++); \
        }                                                                                       \
  }
