#include "recorder/counters.h"

#include <algorithm>
#include <charconv>

namespace netrec {

namespace {

std::string_view next_line(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(line.size() + 1, text.size()));
  return line;
}

bool is_blank(char c) { return c == ' ' || c == '\t'; }

// Some six hundred words a tick and namespace: find_first_of() would take 50 µs for them.
std::string_view next_word(std::string_view& line) {
  const char* const end = line.data() + line.size();
  const char* const begin = std::find_if_not(line.data(), end, is_blank);
  const char* const stop = std::find_if(begin, end, is_blank);
  line.remove_prefix(static_cast<std::size_t>(stop - line.data()));
  return {begin, static_cast<std::size_t>(stop - begin)};
}

bool parse(std::string_view word, std::uint64_t& value) {
  const char* const end = word.data() + word.size();
  if (!word.empty() && word.front() == '-') {
    std::int64_t negative = 0;
    const auto result = std::from_chars(word.data(), end, negative);
    value = static_cast<std::uint64_t>(negative);
    return result.ec == std::errc() && result.ptr == end;
  }
  const auto result = std::from_chars(word.data(), end, value);
  return result.ec == std::errc() && result.ptr == end;
}

}  // namespace

std::size_t CounterList::add_paired(std::string_view text) {
  std::size_t skipped = 0;
  while (!text.empty()) {
    std::string_view names = next_line(text);
    std::string_view numbers = next_line(text);
    const std::string_view group = next_word(names);
    if (group.empty() || group.back() != ':' || next_word(numbers) != group) {
      ++skipped;
      continue;
    }
    while (true) {
      const std::string_view name = next_word(names);
      std::uint64_t value = 0;
      if (name.empty()) break;
      if (!parse(next_word(numbers), value)) {
        ++skipped;
        break;
      }
      add(group.substr(0, group.size() - 1), name, value);
    }
  }
  return skipped;
}

std::size_t CounterList::add_single(std::string_view text) {
  std::size_t skipped = 0;
  while (!text.empty()) {
    std::string_view line = next_line(text);
    const std::string_view name = next_word(line);
    std::uint64_t value = 0;
    if (name.empty() || !parse(next_word(line), value))
      ++skipped;
    else
      add("", name, value);
  }
  return skipped;
}

void CounterList::add(std::string_view group, std::string_view name, std::uint64_t value) {
  const std::size_t prefix = group.empty() ? 0 : group.size() + 1;
  const bool known = count_ < names_.size() && names_[count_].size() == prefix + name.size() &&
                     names_[count_].starts_with(group) && names_[count_].ends_with(name);
  if (!known) {
    std::string whole(group);
    if (prefix != 0) whole += '.';
    whole += name;
    if (count_ < names_.size()) {
      names_[count_] = std::move(whole);
    } else {
      names_.push_back(std::move(whole));
      values_.emplace_back();
    }
  }
  values_[count_] = {.name = names_[count_], .value = value};
  ++count_;
}

}  // namespace netrec
