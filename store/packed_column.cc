#include "store/packed_column.h"

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>

namespace netrec {

namespace {

constexpr std::size_t kRun = 256;

std::uint8_t byte_at(const std::string& plane, std::size_t row) {
  return static_cast<std::uint8_t>(plane[row]);
}

/// Calls `visit(row)` where `plane` holds `byte`.
template <class Visit>
void for_each_byte(const std::string& plane, std::uint8_t byte, Visit&& visit) {
  for (std::size_t row = plane.find(static_cast<char>(byte)); row != std::string::npos;
       row = plane.find(static_cast<char>(byte), row + 1))
    visit(row);
}

}  // namespace

Status PackedColumn::read_codes(ByteReader& in, Packing packing) {
  if (packing == Packing::planes) {
    const std::uint64_t width = in.byte();
    if (width > 8) return failure(ErrorKind::corrupt, "a column has {} planes", width);
    for (unsigned plane = 0; plane < width && in.ok(); ++plane) {
      NETREC_TRY(bytes, read_plane(in, rows_));
      planes_.push_back(std::move(bytes));
    }
  } else {
    by_lengths_ = true;
    NETREC_TRY(lengths, read_plane(in, rows_));
    if (in.ok()) {
      NETREC_TRY(bits, read_low_bits(in, lengths));
      low_bits_ = bits;
      std::uint64_t bit = 0;
      for (std::size_t from = 0; from < rows_; from += kRun) {
        bit_of_run_.push_back(bit);
        bit += count_low_bits(std::string_view(lengths).substr(from, kRun));
      }
    }
    planes_.push_back(std::move(lengths));
  }
  if (!in.at_end()) return failure(ErrorKind::corrupt, "a column does not end where it should");
  return {};
}

Result<PackedColumn> PackedColumn::open(std::string_view bytes, std::size_t rows) {
  PackedColumn column;
  column.rows_ = rows;
  ByteReader in(bytes);
  const std::uint8_t encoding = in.byte();
  const auto transform = static_cast<Transform>((encoding - 1) / 2);
  if (encoding == kConstantColumn) {
    column.base_ = in.varint();
    if (!in.at_end()) return failure(ErrorKind::corrupt, "a column does not end where it should");
    return column;
  }
  if (encoding > 8 || rows == 0 || transform == Transform::delta ||
      transform == Transform::ascending) {
    NETREC_TRY(whole, decode_column(bytes, rows));
    column.whole_ = std::move(whole);
    return column;
  }
  if (transform == Transform::dictionary) {
    column.entries_.resize(static_cast<std::size_t>(in.varint_up_to(kMostEntries)));
    std::uint64_t last = 0;
    for (std::uint64_t& entry : column.entries_) entry = last += in.varint();
  } else {
    column.base_ = in.varint();
  }
  NETREC_CHECKED(column.read_codes(in, static_cast<Packing>((encoding - 1) % 2)));
  if (transform == Transform::dictionary && column.greatest_code() >= column.entries_.size())
    return failure(ErrorKind::corrupt, "a column has no such entry");
  return column;
}

std::uint64_t PackedColumn::bit_of(std::size_t row) const {
  const std::size_t run = row / kRun;
  return bit_of_run_[run] +
         count_low_bits(std::string_view(planes_[0]).substr(run * kRun, row - run * kRun));
}

std::uint64_t PackedColumn::code_of_planes(std::size_t row) const {
  std::uint64_t code = 0;
  for (std::size_t plane = planes_.size(); plane-- > 0;)
    code = code << 8 | byte_at(planes_[plane], row);
  return code;
}

template <class Visit>
void PackedColumn::for_each_of_length(std::uint8_t length, Visit&& visit) const {
  std::uint64_t bit = 0;
  for (std::size_t row = 0; row < rows_; ++row) {
    const std::uint8_t here = byte_at(planes_[0], row);
    if (here == length) visit(row, number_of_bits(low_bits_, bit, length));
    bit += static_cast<std::uint64_t>(here) - (here != 0 ? 1 : 0);
  }
}

std::uint64_t PackedColumn::greatest_code() const {
  if (planes_.empty()) return 0;
  std::uint8_t most = 0;
  for (const char byte : planes_.back()) most = std::max(most, static_cast<std::uint8_t>(byte));
  std::uint64_t greatest = 0;
  if (!by_lengths_) {
    for_each_byte(planes_.back(), most,
                  [&](std::size_t row) { greatest = std::max(greatest, code_of_planes(row)); });
    return greatest;
  }
  for_each_of_length(most,
                     [&](std::size_t, std::uint64_t code) { greatest = std::max(greatest, code); });
  return greatest;
}

std::uint64_t PackedColumn::greatest() const {
  if (greatest_) return *greatest_;
  if (!whole_.empty())
    greatest_ = *std::max_element(whole_.begin(), whole_.end());
  else
    greatest_ = rows_ == 0 ? 0 : value_of(greatest_code());
  return *greatest_;
}

Column PackedColumn::at(std::span<const std::uint32_t> rows) const {
  Column values;
  values.reserve(rows.size());
  if (!whole_.empty()) {
    for (const std::uint32_t row : rows) values.push_back(whole_[row]);
  } else if (!by_lengths_) {
    for (const std::uint32_t row : rows) values.push_back(value_of(code_of_planes(row)));
  } else {
    const std::string& lengths = planes_[0];
    for (const std::uint32_t row : rows)
      values.push_back(value_of(number_of_bits(low_bits_, bit_of(row), byte_at(lengths, row))));
  }
  return values;
}

template <class Visit>
void PackedColumn::for_each_of(std::uint64_t code, Visit&& visit) const {
  if (planes_.empty()) {
    for (std::size_t row = 0; row < rows_ && code == 0; ++row) visit(row);
  } else if (planes_.size() == 8 || code >> (8 * planes_.size()) == 0) {
    for_each_byte(planes_[0], static_cast<std::uint8_t>(code), [&](std::size_t row) {
      if (code_of_planes(row) == code) visit(row);
    });
  }
}

// All at once: a program's tuples are many, and each pass over the lengths costs the same.
void PackedColumn::add_rows_of_lengths(std::vector<std::uint64_t> codes,
                                       std::vector<std::uint32_t>& rows) const {
  std::sort(codes.begin(), codes.end());
  std::array<bool, 65> wanted{};
  for (const std::uint64_t code : codes)
    wanted[static_cast<std::size_t>(std::bit_width(code))] = true;
  const std::string& lengths = planes_[0];
  std::uint64_t bit = 0;
  for (std::size_t row = 0; row < rows_; ++row) {
    const std::uint8_t length = byte_at(lengths, row);
    if (wanted[length] &&
        std::binary_search(codes.begin(), codes.end(), number_of_bits(low_bits_, bit, length)))
      rows.push_back(static_cast<std::uint32_t>(row));
    bit += static_cast<std::uint64_t>(length) - (length != 0 ? 1 : 0);
  }
}

std::vector<std::uint64_t> PackedColumn::codes_of(std::span<const std::uint64_t> values) const {
  std::vector<std::uint64_t> codes;
  for (const std::uint64_t value : values) {
    if (entries_.empty()) codes.push_back(value - base_);
    // A hostile dictionary may say a value twice.
    for (std::size_t code = 0; code < entries_.size(); ++code)
      if (entries_[code] == value) codes.push_back(code);
  }
  return codes;
}

std::vector<std::uint32_t> PackedColumn::rows_of(std::span<const std::uint64_t> values) const {
  std::vector<std::uint32_t> rows;
  const auto add = [&](std::size_t row) { rows.push_back(static_cast<std::uint32_t>(row)); };
  if (!whole_.empty()) {
    for (const std::uint64_t value : values)
      for (std::size_t row = 0; row < rows_; ++row)
        if (whole_[row] == value) add(row);
  } else if (by_lengths_) {
    add_rows_of_lengths(codes_of(values), rows);
    return rows;
  } else {
    for (const std::uint64_t code : codes_of(values)) for_each_of(code, add);
  }
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  return rows;
}

}  // namespace netrec
