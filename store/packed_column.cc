#include "store/packed_column.h"

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>

namespace netrec {

namespace {

constexpr std::size_t kRun = 256;

std::uint8_t byte_at(std::string_view plane, std::size_t row) {
  return static_cast<std::uint8_t>(plane[row]);
}

/// Calls `visit(row)` where `plane` holds `byte`.
template <class Visit>
void for_each_byte(std::string_view plane, std::uint8_t byte, Visit&& visit) {
  for (std::size_t row = plane.find(static_cast<char>(byte)); row != std::string_view::npos;
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
    NETREC_TRY(plane, read_plane(in, rows_));
    planes_.push_back(std::move(plane));
    const std::string_view lengths = planes_.back().bytes();
    std::uint64_t bit = 0;
    for (std::size_t from = 0; from < lengths.size(); from += kRun) {
      bit_of_run_.push_back(bit);
      const auto bits = count_low_bits(lengths.substr(from, kRun));
      if (!bits) return failure(ErrorKind::corrupt, "a number of more than 64 bits in a column");
      bit += *bits;
    }
    low_bits_ = in.raw((bit + 7) / 8);
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
         count_low_bits(planes_[0].bytes().substr(run * kRun, row - run * kRun)).value_or(0);
}

std::uint64_t PackedColumn::code_of_planes(std::size_t row) const {
  std::uint64_t code = 0;
  for (std::size_t plane = planes_.size(); plane-- > 0;)
    code = code << 8 | byte_at(planes_[plane].bytes(), row);
  return code;
}

template <class Visit>
void PackedColumn::for_each_of_length(std::uint8_t length, Visit&& visit) const {
  const std::string_view lengths = planes_[0].bytes();
  std::uint64_t bit = 0;
  for (std::size_t row = 0; row < rows_; ++row) {
    const std::uint8_t here = byte_at(lengths, row);
    if (here == length) visit(row, number_of_bits(low_bits_, bit, length));
    bit += low_bits_of(here);
  }
}

std::uint64_t PackedColumn::greatest_code() const {
  if (planes_.empty()) return 0;
  const std::string_view highest = planes_.back().bytes();
  std::uint8_t most = 0;
  for (const char byte : highest) most = std::max(most, static_cast<std::uint8_t>(byte));
  std::uint64_t greatest = 0;
  if (!by_lengths_) {
    for_each_byte(highest, most,
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
    const std::string_view lengths = planes_[0].bytes();
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
    for_each_byte(planes_[0].bytes(), static_cast<std::uint8_t>(code), [&](std::size_t row) {
      if (code_of_planes(row) == code) visit(row);
    });
  }
}

namespace {

/// Which codes are looked for, by their last bits: tells most others from them at one glance.
class Endings {
 public:
  explicit Endings(std::span<const std::uint64_t> codes) : wanted_(std::size_t{kLow} + 1) {
    for (const std::uint64_t code : codes) wanted_[code & kLow] = 1;
  }
  /// 1 if the code of this length whose lower bits `bits` begins with may be one, else 0.
  unsigned may_be(std::uint64_t bits, std::size_t length) const {
    return wanted_[(bits & kLower[length]) | kHighest[length]];
  }

 private:
  static constexpr std::uint16_t kLow = (1 << 13) - 1;
  /// By length: the bits below a code's highest, and that one; so far as they are of the last.
  static constexpr auto kLower = [] {
    std::array<std::uint16_t, 65> masks{};
    for (unsigned length = 1; length < masks.size(); ++length)
      masks[length] = static_cast<std::uint16_t>(((std::uint64_t{1} << (length - 1)) - 1) & kLow);
    return masks;
  }();
  static constexpr auto kHighest = [] {
    std::array<std::uint16_t, 65> tops{};
    for (unsigned length = 1; length < tops.size(); ++length)
      tops[length] = static_cast<std::uint16_t>((std::uint64_t{1} << (length - 1)) & kLow);
    return tops;
  }();

  std::vector<std::uint8_t> wanted_;
};

}  // namespace

// All at once: a program's tuples are many, and each pass over the lengths costs the same. Of eight
// rows no step depends on what was found, which a processor could not foresee; the low bits of four
// with short codes are loaded together.
std::vector<std::uint32_t> PackedColumn::rows_by_lengths(std::vector<std::uint64_t> codes) const {
  constexpr std::uint64_t kLong = 0xf0 * kOnes;  // Four of up to 15 bits begin in one load.
  std::sort(codes.begin(), codes.end());
  const Endings endings(codes);
  std::vector<std::uint32_t> rows;
  const auto look = [&](std::size_t row, std::uint64_t bit) {
    const std::uint64_t code = number_of_bits(low_bits_, bit, byte_at(planes_[0].bytes(), row));
    if (std::binary_search(codes.begin(), codes.end(), code))
      rows.push_back(static_cast<std::uint32_t>(row));
  };
  const std::string_view lengths = planes_[0].bytes();
  const auto load = [&](std::uint64_t bit) {
    return word_at(low_bits_.data() + bit / 8) >> (bit % 8);
  };
  // As far as whatever eight rows take can be loaded.
  constexpr std::uint64_t kMost = std::uint64_t{8} * 63 + 64;
  const std::uint64_t safe_bits = 8 * low_bits_.size() - std::min(kMost, 8 * low_bits_.size());
  std::uint64_t bit = 0;
  std::size_t row = 0;
  for (; row + 8 <= rows_ && bit < safe_bits; row += 8) {
    const std::uint64_t word = word_at(lengths.data() + row);
    const std::uint64_t bits = low_bits_of_each(word);
    std::uint64_t lengths_left = word, bits_left = bits, end = bit, low = 0;
    unsigned hits = 0;  // The highest of eight is of the first row.
    const auto glance = [&] {
      hits = 2 * hits + endings.may_be(low, lengths_left & 0xff);
      low >>= bits_left & 0x3f;
      end += bits_left & 0xff;
      lengths_left >>= 8;
      bits_left >>= 8;
    };
    if ((word & kLong) == 0) {
      for (int half = 0; half < 2; ++half) {
        low = load(end);
        glance(), glance(), glance(), glance();
      }
    } else {
      for (int i = 0; i < 8; ++i) {
        low = load(end);
        glance();
      }
    }
    for (; hits != 0; hits &= ~std::bit_floor(hits)) {
      const auto before = static_cast<unsigned>(8 - std::bit_width(hits));
      look(row + before, bit + sum_of_bytes(bits & ((std::uint64_t{1} << 8 * before) - 1)));
    }
    bit = end;
  }
  for (; row < rows_; ++row) {
    look(row, bit);
    bit += low_bits_of(byte_at(lengths, row));
  }
  return rows;
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
    return rows_by_lengths(codes_of(values));
  } else {
    for (const std::uint64_t code : codes_of(values)) for_each_of(code, add);
  }
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  return rows;
}

}  // namespace netrec
