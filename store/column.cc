#include "store/column.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "store/column_form.h"
#include "store/compression.h"

namespace netrec {

namespace {

// Enough of a column to tell its entropy from; taken in runs, so that differences are seen.
constexpr std::size_t kSample = 4096;
constexpr std::size_t kSampleRun = 512;

using Codes = std::vector<std::uint64_t>;
__extension__ using Wide = unsigned __int128;

std::uint8_t bit_length(std::uint64_t code) {
  return static_cast<std::uint8_t>(std::bit_width(code));
}

// ---- estimating

/// Bytes that `histogram` of `count` bytes will take after Huffman coding, tables included.
double estimated_bytes(const std::array<std::uint32_t, 256>& histogram, std::size_t count) {
  double bits = 0;
  int distinct = 0;
  for (const std::uint32_t n : histogram) {
    if (n == 0) continue;
    ++distinct;
    bits -= n * std::log2(static_cast<double>(n) / static_cast<double>(count));
  }
  if (distinct <= 1) return 2;
  return std::min(static_cast<double>(count), bits / 8 + 12 + distinct / 2.0);
}

double planes_estimate(const Codes& codes) {
  std::uint64_t all = 0;
  for (const std::uint64_t code : codes) all |= code;
  double bytes = 2;
  for (unsigned shift = 0; shift < bit_length(all); shift += 8) {
    std::array<std::uint32_t, 256> histogram{};
    for (const std::uint64_t code : codes) ++histogram[(code >> shift) & 0xff];
    bytes += estimated_bytes(histogram, codes.size());
  }
  return bytes;
}

double lengths_estimate(const Codes& codes) {
  std::array<std::uint32_t, 256> histogram{};
  std::uint64_t bits = 0;
  for (const std::uint64_t code : codes) {
    const std::uint8_t length = bit_length(code);
    ++histogram[length];
    bits += length > 0 ? length - 1u : 0u;
  }
  return estimated_bytes(histogram, codes.size()) + static_cast<double>(bits) / 8;
}

/// A column after its transform: what is written before the codes, and the codes.
struct Transformed {
  Transform transform = Transform::offset;
  std::string prologue;
  Codes codes;
};

Transformed by_offset(std::span<const std::uint64_t> values) {
  Transformed out;
  const std::uint64_t base = *std::min_element(values.begin(), values.end());
  put_varint(out.prologue, base);
  out.codes.resize(values.size());
  std::transform(values.begin(), values.end(), out.codes.begin(),
                 [base](std::uint64_t value) { return value - base; });
  return out;
}

Transformed by_difference(std::span<const std::uint64_t> values) {
  Transformed out;
  out.transform =
      std::is_sorted(values.begin(), values.end()) ? Transform::ascending : Transform::delta;
  out.codes.resize(values.size() - 1);
  std::uint64_t base = ~std::uint64_t{0};
  const bool is_signed = out.transform == Transform::delta;
  for (std::size_t i = 1; i < values.size(); ++i) {
    const std::uint64_t difference = values[i] - values[i - 1];
    const std::uint64_t code = is_signed ? zigzag(difference) : difference;
    out.codes[i - 1] = code;
    base = std::min(base, code);
  }
  for (std::uint64_t& code : out.codes) code -= base;
  put_varint(out.prologue, values[0]);
  put_varint(out.prologue, base);
  return out;
}

/// The distinct values in order, if there are few.
std::optional<Codes> entries_of(std::span<const std::uint64_t> values) {
  Codes entries;
  std::uint64_t last = ~values[0];
  for (const std::uint64_t value : values) {
    if (value == last) continue;
    last = value;
    const auto place = std::lower_bound(entries.begin(), entries.end(), value);
    if (place != entries.end() && *place == value) continue;
    if (entries.size() == kMostEntries) return std::nullopt;
    entries.insert(place, value);
  }
  return entries;
}

std::optional<Transformed> by_dictionary(std::span<const std::uint64_t> values) {
  const auto entries = entries_of(values);
  if (!entries) return std::nullopt;
  Transformed out;
  out.transform = Transform::dictionary;
  put_varint(out.prologue, entries->size());
  std::uint64_t last = 0;
  for (const std::uint64_t entry : *entries) {
    put_varint(out.prologue, entry - last);
    last = entry;
  }
  out.codes.resize(values.size());
  std::transform(values.begin(), values.end(), out.codes.begin(), [&](std::uint64_t value) {
    return static_cast<std::uint64_t>(std::lower_bound(entries->begin(), entries->end(), value) -
                                      entries->begin());
  });
  return out;
}

std::vector<std::uint64_t> sample_of(std::span<const std::uint64_t> values) {
  std::vector<std::uint64_t> sample;
  sample.reserve(kSample);
  const std::size_t runs = kSample / kSampleRun;
  const std::size_t stride = (values.size() - kSampleRun) / (runs - 1);
  for (std::size_t run = 0; run < runs; ++run) {
    const auto part = values.subspan(run * stride, kSampleRun);
    sample.insert(sample.end(), part.begin(), part.end());
  }
  return sample;
}

/// So much more may planes take where a column is searched: what a tuple's place takes by them is
/// 2 to 4 % more, and found in a fraction of the time.
constexpr double kPlanesForSearch = 1.06;

struct Choice {
  Transform transform = Transform::offset;
  Packing packing = Packing::planes;
  double bytes = HUGE_VAL;

  void consider(const Transformed& candidate, ColumnUse use = ColumnUse::read) {
    const auto offer = [&](Packing offered, double codes_bytes) {
      const double total = codes_bytes + static_cast<double>(candidate.prologue.size());
      if (total >= bytes) return;
      *this = {candidate.transform, offered, total};
    };
    const double planes = planes_estimate(candidate.codes);
    offer(Packing::planes, use == ColumnUse::search ? planes / kPlanesForSearch : planes);
    offer(Packing::lengths, lengths_estimate(candidate.codes));
  }
};

Choice choose(std::span<const std::uint64_t> values, ColumnUse use) {
  Choice best;
  best.consider(by_offset(values), use);
  best.consider(by_difference(values));
  if (const auto dictionary = by_dictionary(values)) best.consider(*dictionary);
  return best;
}

// ---- writing

// What level 1 finds in a part of it, level 3 finds in the whole.
bool repeats(std::string_view plane) {
  if (plane.size() <= kSample) return true;
  const std::string_view part = plane.substr((plane.size() - kSample) / 2, kSample);
  return compress(part, 1).size() < compress_by_frequency(part).size();
}

std::string compress_plane(std::string_view plane) {
  std::string packed = compress_by_frequency(plane);
  // A byte takes a bit at least, so mostly one byte takes an eighth: matches say that in less.
  if (packed.size() * 7 > plane.size() && !repeats(plane)) return packed;
  std::string matched = compress(plane);
  return matched.size() < packed.size() ? matched : packed;
}

void put_plane(std::string& out, std::string_view plane) {
  if (plane.find_first_not_of(plane[0]) == std::string_view::npos) {
    out.push_back(static_cast<char>(PlaneForm::same));
    out.push_back(plane[0]);
    return;
  }
  std::string packed = plane.size() < 32 ? std::string() : compress_plane(plane);
  if (packed.empty() || packed.size() + kLongestVarint / 2 >= plane.size()) {
    out.push_back(static_cast<char>(PlaneForm::raw));
    out.append(plane);
    return;
  }
  out.push_back(static_cast<char>(PlaneForm::zstd));
  put_bytes(out, packed);
}

void put_planes(std::string& out, const Codes& codes) {
  std::uint64_t all = 0;
  for (const std::uint64_t code : codes) all |= code;
  const unsigned width = (bit_length(all) + 7u) / 8;
  out.push_back(static_cast<char>(width));
  std::string plane(codes.size(), '\0');
  for (unsigned shift = 0; shift < 8 * width; shift += 8) {
    for (std::size_t i = 0; i < codes.size(); ++i)
      plane[i] = static_cast<char>((codes[i] >> shift) & 0xff);
    put_plane(out, plane);
  }
}

void put_lengths(std::string& out, const Codes& codes) {
  std::string lengths(codes.size(), '\0');
  for (std::size_t i = 0; i < codes.size(); ++i)
    lengths[i] = static_cast<char>(bit_length(codes[i]));
  put_plane(out, lengths);
  std::string packed((count_low_bits(lengths).value_or(0) + 7) / 8, '\0');
  Wide pending = 0;
  unsigned pending_bits = 0;
  std::size_t written = 0;
  const auto write = [&](std::size_t bytes) {
    for (std::size_t i = 0; i < bytes; ++i, pending >>= 8)
      packed[written++] = static_cast<char>(pending & 0xff);
  };
  for (const std::uint64_t code : codes) {
    if (code < 2) continue;
    const unsigned bits = bit_length(code) - 1u;
    pending |= static_cast<Wide>(code ^ (std::uint64_t{1} << bits)) << pending_bits;
    pending_bits += bits;
    if (pending_bits < 64) continue;
    write(8);
    pending_bits -= 64;
  }
  write((pending_bits + 7) / 8);
  out += packed;
}

// ---- reading

}  // namespace

Result<Plane> read_plane(ByteReader& in, std::size_t rows) {
  switch (static_cast<PlaneForm>(in.byte())) {
    case PlaneForm::same:
      return Plane::unpacked(std::string(rows, static_cast<char>(in.byte())));
    case PlaneForm::raw:
      return Plane::lying(in.raw(rows));
    case PlaneForm::zstd: {
      NETREC_TRY(plane, decompress(in.bytes(), rows));
      if (plane.size() == rows) return Plane::unpacked(std::move(plane));
      return failure(ErrorKind::corrupt, "a column has {} rows instead of {}", plane.size(), rows);
    }
  }
  return failure(ErrorKind::corrupt, "a column is packed in an unknown way");
}

// Four words at a time: of lengths up to 64, their bytes do not run over before they are summed.
std::optional<std::uint64_t> count_low_bits(std::string_view lengths) {
  constexpr std::size_t kAtOnce = 32;
  std::uint64_t total = 0;
  std::uint64_t above = 0;
  const auto low_bits = [&](std::uint64_t word) {
    // The top bit of each byte that is above 64; what it carries into the next does not matter
    // then.
    above |= word | (word + 0x3f * kOnes);
    return low_bits_of_each(word);
  };
  std::size_t at = 0;
  for (; at + kAtOnce <= lengths.size(); at += kAtOnce) {
    const char* some = lengths.data() + at;
    total += sum_of_bytes(low_bits(word_at(some)) + low_bits(word_at(some + 8)) +
                          low_bits(word_at(some + 16)) + low_bits(word_at(some + 24)));
  }
  for (; at < lengths.size(); ++at)
    total += sum_of_bytes(low_bits(static_cast<std::uint8_t>(lengths[at])));
  if ((above & 0x80 * kOnes) != 0) return std::nullopt;
  return total;
}

Result<std::string_view> read_low_bits(ByteReader& in, std::string_view lengths) {
  const auto bits = count_low_bits(lengths);
  if (!bits) return failure(ErrorKind::corrupt, "a number of more than 64 bits in a column");
  return in.raw((*bits + 7) / 8);
}

namespace {

Status read_planes(ByteReader& in, std::uint64_t base, std::span<std::uint64_t> codes) {
  const std::uint64_t width = in.byte();
  if (width > 8) return failure(ErrorKind::corrupt, "a column has {} planes", width);
  for (unsigned shift = 0; shift < 8 * width; shift += 8) {
    NETREC_TRY(plane, read_plane(in, codes.size()));
    if (!in.ok()) break;
    const std::string_view bytes = plane.bytes();
    for (std::size_t i = 0; i < codes.size(); ++i)
      codes[i] |= std::uint64_t{static_cast<std::uint8_t>(bytes[i])} << shift;
  }
  if (base != 0)
    for (std::uint64_t& code : codes) code += base;
  return {};
}

Status read_lengths(ByteReader& in, std::uint64_t base, std::span<std::uint64_t> codes) {
  NETREC_TRY(plane, read_plane(in, codes.size()));
  if (!in.ok()) return {};
  const std::string_view lengths = plane.bytes();
  NETREC_TRY(packed, read_low_bits(in, lengths));
  if (!in.ok()) return {};
  std::uint64_t at = 0;
  for (std::size_t i = 0; i < codes.size(); ++i) {
    const auto length = static_cast<std::uint8_t>(lengths[i]);
    codes[i] = base + number_of_bits(packed, at, length);
    at += low_bits_of(length);
  }
  return {};
}

/// Each with `base` added.
Status read_codes(ByteReader& in, Packing packing, std::uint64_t base,
                  std::span<std::uint64_t> codes) {
  NETREC_CHECKED(packing == Packing::planes ? read_planes(in, base, codes)
                                            : read_lengths(in, base, codes));
  if (!in.at_end()) return failure(ErrorKind::corrupt, "a column does not end where it should");
  return {};
}

Result<Column> read_dictionary(ByteReader& in, Packing packing, std::size_t rows) {
  const std::uint64_t count = in.varint_up_to(kMostEntries);
  Codes entries(static_cast<std::size_t>(count));
  std::uint64_t last = 0;
  for (std::uint64_t& entry : entries) entry = last += in.varint();
  Column column(rows);
  NETREC_CHECKED(read_codes(in, packing, 0, column));
  for (std::uint64_t& value : column) {
    if (value >= entries.size()) return failure(ErrorKind::corrupt, "a column has no such entry");
    value = entries[static_cast<std::size_t>(value)];
  }
  return column;
}

Result<Column> read_differences(ByteReader& in, Transform transform, Packing packing,
                                std::size_t rows) {
  std::uint64_t value = in.varint();
  const std::uint64_t base = in.varint();
  Column column(rows);
  NETREC_CHECKED(read_codes(in, packing, base, std::span(column).subspan(1)));
  column[0] = value;
  for (std::size_t i = 1; i < rows; ++i)
    column[i] = value += transform == Transform::ascending ? column[i] : unzigzag(column[i]);
  return column;
}

}  // namespace

std::string encode_column(std::span<const std::uint64_t> values, ColumnUse use) {
  NETREC_CHECK(!values.empty(), "a column has rows");
  std::string out;
  if (std::all_of(values.begin(), values.end(), [&](auto value) { return value == values[0]; })) {
    out.push_back(static_cast<char>(kConstantColumn));
    put_varint(out, values[0]);
    return out;
  }
  Choice choice = choose(values.size() > 2 * kSample ? sample_of(values) : values, use);
  Transformed packed;
  if (choice.transform == Transform::dictionary) {
    if (auto dictionary = by_dictionary(values))
      packed = std::move(*dictionary);
    else
      packed = by_offset(values);
  } else {
    packed = choice.transform == Transform::offset ? by_offset(values) : by_difference(values);
  }
  out.push_back(static_cast<char>(1 + 2 * static_cast<int>(packed.transform) +
                                  static_cast<int>(choice.packing)));
  out += packed.prologue;
  choice.packing == Packing::planes ? put_planes(out, packed.codes)
                                    : put_lengths(out, packed.codes);
  return out;
}

Result<Column> decode_column(std::string_view bytes, std::size_t rows) {
  ByteReader in(bytes);
  const std::uint8_t encoding = in.byte();
  if (encoding == kConstantColumn) {
    const std::uint64_t value = in.varint();
    if (!in.at_end()) return failure(ErrorKind::corrupt, "a column does not end where it should");
    return Column(rows, value);
  }
  if (encoding > 8 || rows == 0) return failure(ErrorKind::corrupt, "a column is not one");
  const auto transform = static_cast<Transform>((encoding - 1) / 2);
  const auto packing = static_cast<Packing>((encoding - 1) % 2);
  if (transform == Transform::dictionary) return read_dictionary(in, packing, rows);
  if (transform != Transform::offset) return read_differences(in, transform, packing, rows);
  const std::uint64_t base = in.varint();
  Column column(rows);
  NETREC_CHECKED(read_codes(in, packing, base, column));
  return column;
}

Result<Numbers> decode_numbers(std::string_view bytes, std::size_t rows) {
  if (const auto all = number_of_constant(bytes)) return Numbers(*all);
  NETREC_TRY(column, decode_column(bytes, rows));
  return Numbers(std::move(column));
}

std::optional<std::uint64_t> number_of_constant(std::string_view bytes) {
  ByteReader in(bytes);
  if (in.byte() != kConstantColumn) return std::nullopt;
  const std::uint64_t value = in.varint();
  return in.at_end() ? std::optional(value) : std::nullopt;
}

}  // namespace netrec
