#include "store/life_cells.h"

#include "schema/key_hash.h"

namespace netrec {

namespace {

constexpr std::size_t kKnownValues = 1024;
constexpr std::size_t kKnownAddresses = 8192;
constexpr std::size_t kKnownOfFew = 64;
// Fewer numbers, or a smaller part of a chunk's, are copied: who keeps them does not keep the
// chunk's columns for them.
constexpr std::size_t kFewestShown = 256;
constexpr std::size_t kSmallestPartShown = 4;

/// A needle's few rows are not worth half a megabyte of places.
template <class T>
void make_room(std::vector<T>& known, std::size_t rows, std::size_t places_of_many) {
  if (known.empty() && rows <= kKnownOfFew) known.resize(kKnownOfFew);
  if (rows > kKnownOfFew && known.size() < places_of_many) known.assign(places_of_many, T{});
}

}  // namespace

LifeCells::LifeCells(const EntityColumns<Socket>& all, const std::vector<int>& used) {
  for (const int column : used) {
    Made made{.column = &all.at(column), .values = {}, .addresses = {}};
    takes_rows_ = takes_rows_ || made.column->source == CellSource::row;
    made_.push_back(std::move(made));
  }
}

void LifeCells::begin(std::shared_ptr<const ConnectionColumns> lives) {
  lives_ = std::move(lives);
  if (names_ != lives_->names) ++names_number_;
  names_ = lives_->names;
}

void LifeCells::write(std::size_t first, std::size_t last, std::span<CellColumn> out) {
  const auto rows = std::span(lives_->rows).subspan(first, last - first);
  write_all(rows, out, rows.size() >= kFewestShown);
}

void LifeCells::write(std::span<const std::uint32_t> rows, std::span<CellColumn> out) {
  write_all(rows, out, false);
}

void LifeCells::write_all(std::span<const std::uint32_t> rows, std::span<CellColumn> out,
                          bool shows) {
  for (std::size_t i = 0; i < made_.size(); ++i) switch (made_[i].column->source) {
      case CellSource::row:
        break;
      case CellSource::number:
      case CellSource::number_or_null:
        write_numbers(made_[i], rows, out[i], shows);
        break;
      case CellSource::identifier:
        for (const std::uint32_t row : rows)
          out[i].identifier(lives_->value(made_[i].column->field, row));
        break;
      case CellSource::value:
        write_values(made_[i], rows, out[i]);
        break;
      case CellSource::address:
        write_addresses(made_[i], rows, out[i]);
        break;
    }
  if (takes_rows_) write_rows(rows, out);
}

void LifeCells::write_numbers(const Made& made, std::span<const std::uint32_t> rows,
                              CellColumn& out, bool shows) const {
  const std::uint16_t field = made.column->field;
  const bool zero_is_null = made.column->source == CellSource::number_or_null;
  if (const Column& values = lives_->fields[field]; !values.empty())
    return shows && lives_->rows.size() * kSmallestPartShown >= values.size()
               ? out.show_numbers(lives_, values, rows, zero_is_null)
               : out.add_numbers(values, rows, zero_is_null);
  for (std::size_t i = 0; i < rows.size(); ++i) zero_is_null ? out.null() : out.number(0);
}

void LifeCells::write_values(Made& made, std::span<const std::uint32_t> rows,
                             CellColumn& out) const {
  const std::uint16_t field = made.column->field;
  make_room(made.values, rows.size(), kKnownValues);
  Socket socket;
  for (const std::uint32_t row : rows) {
    const std::uint64_t value = lives_->value(field, row);
    KnownValue& known = made.values[KeyHash{}(value) % made.values.size()];
    if (known.names == names_number_ && known.value == value) {
      out.add(known.cell);
      continue;
    }
    fields_of<Socket>()[field].set(socket, value);
    made.column->emit(out, {.entity = &socket, .names = lives_->names.get()}, field);
    if (out.last().stands_alone())
      known = {.names = names_number_, .value = value, .cell = out.last()};
  }
}

// As emit_address() wants it: `field` is the lower half, the upper one stands before it.
void LifeCells::write_addresses(Made& made, std::span<const std::uint32_t> rows,
                                CellColumn& out) const {
  static const std::uint16_t kFamily = field_called<Socket>("family");
  static const std::uint16_t kRemotePort = field_called<Socket>("remote_port");
  const std::uint16_t field = made.column->field;
  const auto high = static_cast<std::uint16_t>(field - 1);
  make_room(made.addresses, rows.size(), kKnownAddresses);
  Socket socket;
  for (const std::uint32_t row : rows) {
    const IpAddress address{.high = lives_->value(high, row), .low = lives_->value(field, row)};
    const auto family = static_cast<Family>(lives_->value(kFamily, row));
    // Only what no address is depends on the port.
    const bool may_be_known = !address.is_zero();
    KnownAddress& known =
        made.addresses[(KeyHash{}(address.low) ^ KeyHash{}(address.high)) % made.addresses.size()];
    if (may_be_known && known.is_known && known.address == address && known.family == family) {
      out.add(known.cell);
      continue;
    }
    fields_of<Socket>()[high].set(socket, address.high);
    fields_of<Socket>()[field].set(socket, address.low);
    socket.family = family;
    socket.remote_port = static_cast<std::uint16_t>(lives_->value(kRemotePort, row));
    made.column->emit(out, {.entity = &socket, .names = lives_->names.get()}, field);
    if (may_be_known && out.last().stands_alone())
      known = {.address = address, .family = family, .is_known = true, .cell = out.last()};
  }
}

void LifeCells::write_rows(std::span<const std::uint32_t> rows, std::span<CellColumn> out) const {
  Connection life;
  for (const std::uint32_t row : rows) {
    lives_->read(row, life);
    const EntityRow<Socket> whole{
        .entity = &life.socket, .names = lives_->names.get(), .connection = &life};
    for (std::size_t i = 0; i < made_.size(); ++i)
      if (made_[i].column->source == CellSource::row)
        made_[i].column->emit(out[i], whole, made_[i].column->field);
  }
}

}  // namespace netrec
