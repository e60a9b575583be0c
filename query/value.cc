#include "query/value.h"

namespace netrec {

Value::Value() = default;
Value::Value(const Value& other) = default;
Value::Value(Value&& other) noexcept = default;
Value& Value::operator=(const Value& other) = default;
Value& Value::operator=(Value&& other) noexcept = default;
Value::~Value() = default;

Value::Value(List list) : of(std::move(list)) {}
Value::Value(Members members) : of(std::move(members)) {}

}  // namespace netrec
