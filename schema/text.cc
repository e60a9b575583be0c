#include "schema/text.h"

namespace netrec {

// The bytes are not a number and have a column of their own (store/).
std::span<const Field<Text>> EntityTraits<Text>::fields() {
  static constexpr Field<Text> kFields[] = {
      NETREC_FIELD(Text, id, "id", identity, "Id other entities refer to"),
  };
  return kFields;
}

}  // namespace netrec
