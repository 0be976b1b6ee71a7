/// HDF5 identifiers that close themselves and its error texts; for src/io only.
#pragma once

#include <hdf5.h>

#include <string>
#include <utility>

namespace kolmo::io {

/// Owns one identifier. Negative: nothing.
class Id {
 public:
  using Close = herr_t (*)(hid_t);
  Id() = default;
  Id(hid_t id, Close closer) : id_(id), close_(closer) {}
  Id(Id&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Id& operator=(Id&& other) noexcept {
    if (this != &other) {
      (void)close();
      id_ = std::exchange(other.id_, -1);
      close_ = other.close_;
    }
    return *this;
  }
  ~Id() { (void)close(); }
  operator hid_t() const { return id_; }
  bool valid() const { return id_ >= 0; }
  herr_t close() {
    const hid_t id = std::exchange(id_, -1);
    return id >= 0 ? close_(id) : 0;
  }
  /// Gives it up without closing.
  void forget() { id_ = -1; }

 private:
  hid_t id_ = -1;
  Close close_ = nullptr;
};

/// The innermost message on HDF5's error stack: call it right after the call that failed.
std::string hdf5_reason();

}  // namespace kolmo::io
