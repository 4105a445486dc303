// A FlatBuffer from a stranger, read in place: every offset, length and alignment is checked before it is followed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "dsp/setup/errors.h"

namespace nampedal::litert {

[[noreturn]] inline void refuse(const std::string& text) { throw Error(Mistake::kGraph, text); }

// The bytes, and how much may still be read of them: a part that many others point to is counted for each of them, so
// that a small file is never a long work.
class FlatBuffer {
 public:
  explicit FlatBuffer(std::span<const std::byte> bytes) : bytes_(bytes), left_(4 * bytes.size()) {}

  template <class T>
  T at(std::size_t position) const {
    if (position % sizeof(T) != 0 || position > bytes_.size() || bytes_.size() - position < sizeof(T)) {
      refuse("an offset points outside of it");
    }
    T value;
    std::memcpy(&value, bytes_.data() + position, sizeof(T));
    return value;
  }

  std::span<const std::byte> bytes(std::size_t position, std::size_t count) {
    if (position > bytes_.size() || bytes_.size() - position < count) refuse("a length leads outside of it");
    spend(count);
    return bytes_.subspan(position, count);
  }

  // Where an offset that stands at this position leads.
  std::size_t follow(std::size_t position) const {
    const std::size_t offset = at<std::uint32_t>(position);
    if (offset == 0 || offset > bytes_.size() - position) refuse("an offset points outside of it");
    return position + offset;
  }

 private:
  void spend(std::size_t count) {
    if (count > left_) refuse("its parts overlap");
    left_ -= count;
  }

  std::span<const std::byte> bytes_;
  std::size_t left_;
};

// Scalars, or offsets of tables, one behind the other.
template <class T>
class List {
 public:
  List() = default;
  List(FlatBuffer& buffer, std::size_t position)
      : count_(buffer.at<std::uint32_t>(position)), first_(position + sizeof(std::uint32_t)) {
    if (first_ % sizeof(T) != 0) refuse("a list is not aligned");
    bytes_ = buffer.bytes(first_, std::size_t{count_} * sizeof(T));
  }

  std::size_t size() const { return count_; }
  std::size_t position(std::size_t index) const { return first_ + index * sizeof(T); }
  T operator[](std::size_t index) const {
    T value;
    std::memcpy(&value, bytes_.subspan(index * sizeof(T), sizeof(T)).data(), sizeof(T));
    return value;
  }
  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::uint32_t count_ = 0;
  std::size_t first_ = 0;
  std::span<const std::byte> bytes_;
};

class Table {
 public:
  // fields: a bit for each field that may be there; no other is. what: for the text.
  Table(FlatBuffer& buffer, std::size_t position, std::uint32_t fields, const char* what)
      : buffer_(&buffer), position_(position) {
    const std::int64_t to_layout = buffer.at<std::int32_t>(position);
    const auto layout = static_cast<std::int64_t>(position) - to_layout;
    if (layout < 0) refuse("an offset points outside of it");
    layout_ = static_cast<std::size_t>(layout);
    const auto layout_size = buffer.at<std::uint16_t>(layout_);
    size_ = buffer.at<std::uint16_t>(layout_ + 2);
    if (layout_size < 4 || layout_size % 2 != 0 || size_ < 4) refuse("a table's layout is malformed");
    buffer.bytes(layout_, layout_size);
    buffer.bytes(position, size_);
    count_ = (layout_size - 4u) / 2u;
    for (unsigned field = 0; field < count_; ++field) {
      if (offset(field) != 0 && (field >= 32 || (fields >> field & 1) == 0)) {
        refuse("field " + std::to_string(field) + " of " + what + " is in use");
      }
    }
  }

  bool has(unsigned field) const { return field < count_ && offset(field) != 0; }

  template <class T>
  T scalar(unsigned field, T otherwise) const {
    return has(field) ? buffer_->at<T>(place(field, sizeof(T))) : otherwise;
  }

  // Where the field's offset leads; it must be there.
  std::size_t target(unsigned field, const char* what) const {
    if (!has(field)) refuse(std::string(what) + " is missing");
    return buffer_->follow(place(field, sizeof(std::uint32_t)));
  }

  // Empty where the field is absent.
  template <class T>
  List<T> list(unsigned field, const char* what) const {
    return has(field) ? List<T>(*buffer_, target(field, what)) : List<T>();
  }

  Table table(unsigned field, std::uint32_t fields, const char* what) const {
    return {*buffer_, target(field, what), fields, what};
  }

  // "" where the field is absent. Printable ASCII, and behind it a zero.
  std::string_view text(unsigned field, const char* what) const {
    if (!has(field)) return {};
    const std::size_t position = target(field, what);
    const std::size_t length = buffer_->at<std::uint32_t>(position);
    const auto bytes = buffer_->bytes(position + sizeof(std::uint32_t), length + 1);
    const std::string_view found(reinterpret_cast<const char*>(bytes.data()), length + 1);
    if (found.back() != '\0') refuse(std::string(what) + " does not end where it says");
    for (const char letter : found.substr(0, length)) {
      if (letter < ' ' || letter > '~') refuse(std::string(what) + " has a letter that is not ASCII");
    }
    return found.substr(0, length);
  }

  FlatBuffer& buffer() const { return *buffer_; }

 private:
  std::uint16_t offset(unsigned field) const { return buffer_->at<std::uint16_t>(layout_ + 4 + 2 * field); }

  std::size_t place(unsigned field, std::size_t bytes) const {
    const std::size_t found = offset(field);
    if (found < 4 || found + bytes > size_) refuse("a field lies outside of its table");
    return position_ + found;
  }

  FlatBuffer* buffer_;
  std::size_t position_;
  std::size_t layout_ = 0;
  unsigned size_ = 0;
  unsigned count_ = 0;
};

}  // namespace nampedal::litert
