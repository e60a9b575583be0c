#include "store/row_answers.h"

#include <type_traits>
#include <variant>

#include "store/bytes.h"
#include "store/virtual_table.h"

namespace netrec {

namespace {

/// All together: about 16 MB, texts apart.
constexpr std::size_t kMostCellsInAll = 1 << 20;

void put_cell(std::string& out, const SqlCell& cell) {
  out.push_back(static_cast<char>(cell.index()));
  std::visit(
      [&](const auto& value) {
        using T = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<T, std::string>)
          put_bytes(out, value);
        else if constexpr (std::is_same_v<T, SqlBlob>)
          put_bytes(out, value.bytes);
        else if constexpr (!std::is_same_v<T, std::monostate>)
          out.append(reinterpret_cast<const char*>(&value), sizeof value);
      },
      cell);
}

}  // namespace

// Of a file that is one of several the answer depends on those around it.
std::string question_of(std::string_view table, const Request& request) {
  if (request.neighbours != nullptr) return "";
  std::string question(table);
  put_fixed64(question, request.columns_used);
  put_varint(question, zigzag(static_cast<std::uint64_t>(number_of(request.order))));
  for (const Constraint& constraint : request.constraints) {
    put_varint(question, static_cast<std::uint64_t>(constraint.column));
    put_varint(question, static_cast<std::uint64_t>(constraint.comparison));
    put_varint(question, constraint.is_final ? 1 : 0);
    put_varint(question, constraint.values.size());
    for (const SqlCell& value : constraint.values) put_cell(question, value);
  }
  return question;
}

std::shared_ptr<const CellBatches> RowAnswers::find(const std::string& question,
                                                    std::uint64_t version) const {
  const auto found = answers_.find(question);
  return found == answers_.end() || found->second.version != version ? nullptr
                                                                     : found->second.batches;
}

void RowAnswers::keep(const std::string& question, std::uint64_t version, CellBatches batches,
                      std::size_t cells) {
  // A thousand cells for the bookkeeping of an answer without rows.
  cells += 1024;
  if (cells_ + cells > kMostCellsInAll) {
    answers_.clear();
    cells_ = 0;
  }
  cells_ += cells;
  answers_[question] = {version, std::make_shared<const CellBatches>(std::move(batches))};
}

}  // namespace netrec
