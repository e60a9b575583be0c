// The columns of the virtual tables, made from the field tables (schema/field.h): a new fact of the
// log is a new column without a line here. What people look for comes as they know it (an address
// as text, a state by name, the owner's program, pid and executable beside its id).
#pragma once

#include <bitset>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "schema/connection.h"
#include "schema/delta.h"
#include "store/sql_cell.h"
#include "store/virtual_table.h"

namespace netrec {

/// One row of a table of T, with what the columns of different tables want of it.
template <class T>
struct EntityRow {
  const T* entity = nullptr;
  const Snapshot* names = nullptr;         ///< texts, processes, users, namespaces it refers to
  std::uint64_t at_us = 0;                 ///< the instant it is the state of
  std::uint64_t sequence = 0;              ///< of the frame
  const Connection* connection = nullptr;  ///< if the row is a whole life, or a part of one
  std::size_t transition = 0;              ///< index in connection->transitions
};

using FieldSet = std::bitset<128>;

/// What a column's cells are made from: a whole row, or less, and then for many rows at once.
enum class CellSource : std::uint8_t {
  row,
  number,          ///< its field
  number_or_null,  ///< its field; 0 is NULL
  identifier,      ///< its field, which names something: all 64 bits, signed
  value,           ///< its field and the names: the same value gives the same cell
  address,         ///< emit_address()'s fields
};

template <class T>
struct EntityColumn {
  SqlColumn column;
  void (*emit)(CellSink& out, const EntityRow<T>& row, std::uint16_t field) = nullptr;
  std::uint16_t field = 0;   ///< index in fields_of<T>(), for emit
  FieldSet needs;            ///< the fields of T it is made from
  FieldSet needs_of_none{};  ///< and, where an address may be none
  CellSource source = CellSource::row;
};

template <class T>
class EntityColumns {
 public:
  explicit EntityColumns(std::vector<EntityColumn<T>> columns);

  std::span<const SqlColumn> described() const { return described_; }
  /// The column's index, or -1.
  int index_of(std::string_view name) const;
  std::string_view name_of(int column) const;
  void emit(int column, CellSink& out, const EntityRow<T>& row) const;
  const EntityColumn<T>& at(int column) const { return columns_[static_cast<std::size_t>(column)]; }
  /// The fields that the columns a request uses are made from; `has_addresses`: no address in the
  /// rows it is about is none.
  FieldSet needed_by(const Request& request, bool has_addresses = false) const;

 private:
  std::vector<EntityColumn<T>> columns_;
  std::vector<SqlColumn> described_;
};

/// A column for each field of T, and those people look for. Defined for Socket, Interface, Counter,
/// Peer and Resolution.
template <class T>
std::vector<EntityColumn<T>> columns_of_entity();

/// The index of the field called `name` in fields_of<T>(). REQUIRES: there is one.
template <class T>
std::uint16_t field_called(std::string_view name) {
  const auto fields = fields_of<T>();
  for (std::uint16_t id = 0; id < fields.size(); ++id)
    if (fields[id].name == name) return id;
  NETREC_CHECK(false, "no field of that name");
}

/// The columns of T's key, and `more`: what tells a row from all others.
template <class T>
std::vector<std::string_view> key_columns_and(std::string_view more) {
  if constexpr (std::is_same_v<T, Socket>)
    return {"cookie", more};
  else if constexpr (std::is_same_v<T, Interface>)
    return {"network_namespace", "interface_index", more};
  else
    return {"id", more};
}

}  // namespace netrec
