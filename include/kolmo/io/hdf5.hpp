/// Parallel HDF5 in a small wrapper: handles that close themselves, every call checked, arrays written collectively in
/// natural order.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "kolmo/grid/decomposition.hpp"

namespace kolmo::io {

/// What is kept on disk of a double in memory.
enum class Precision { float32, float64 };

/// This rank's box of a global array, slowest direction first as HDF5 counts: [nz][ny][nx], with a last entry for
/// interleaved components.
struct Slab {
  std::vector<std::uint64_t> global, start, count;
  int components = 1;        ///< more than 1: the extent of the last entry
  std::size_t size() const;  ///< numbers of this rank
};

/// Bytes [begin, end) of a file.
struct ByteRange {
  std::uint64_t begin = 0, end = 0;
};

/// From the first to the last double of a box in its array, counted from the array's first byte; empty for an empty
/// box.
ByteRange span_of(const Slab& slab);

/// The slab of a decomposition; components > 1 adds the last entry.
template <int Dim>
Slab slab_of(const Decomposition<Dim>& decomposition, int components = 1);

/// A file open on all ranks of a communicator. Every call is collective; what the ranks pass for names and attributes
/// must agree. Failures throw FileError with the path, on every rank. Space for an array is reserved on disk before it
/// is written, so that a full disk is an error here and not a crash or a hole inside the MPI library.
class H5File {
 public:
  static H5File create(const Communicator& comm, const std::filesystem::path& path);  ///< replaces an existing file
  static H5File open(const Communicator& comm, const std::filesystem::path& path);    ///< read only
  H5File(H5File&&) noexcept;
  H5File& operator=(H5File&&) noexcept;
  /// Closes what `close` has not; a failure then goes unseen.
  ~H5File();
  void close();
  const std::filesystem::path& path() const;

  /// Attributes of an object: "/" is the file, else the name of an array.
  void write_text(const std::string& object, const std::string& name, const std::string& value);
  void write_number(const std::string& object, const std::string& name, double value);
  void write_integer(const std::string& object, const std::string& name, std::int64_t value);
  bool has_attribute(const std::string& object, const std::string& name) const;
  std::string read_text(const std::string& object, const std::string& name) const;
  double read_number(const std::string& object, const std::string& name) const;
  std::int64_t read_integer(const std::string& object, const std::string& name) const;

  /// Names of the arrays in the file's root, sorted.
  std::vector<std::string> arrays() const;
  bool has_array(const std::string& name) const;
  /// Global extent, slowest direction first.
  std::vector<std::uint64_t> extent(const std::string& name) const;
  Precision precision(const std::string& name) const;

  /// Writes this rank's packed box (x fastest, components interleaved) of a new array. The ranks' boxes tile the array
  /// without overlap.
  void write_array(const std::string& name, const Slab& slab, const double* packed, Precision precision);
  /// Doubles in natural order in one piece of the file, whatever the ranks, written without a copy where a rank's box
  /// is a run of whole planes; the system starts to carry them to the disk at once. Returns the piece's first byte.
  std::uint64_t write_contiguous(const std::string& name, const Slab& slab, const double* packed);
  /// First byte of an array in the file, or 0 if it is kept in several pieces.
  std::uint64_t offset(const std::string& name) const;
  void read_array(const std::string& name, const Slab& slab, double* packed) const;
  /// A one-dimensional array known to every rank, as doubles.
  void write_numbers(const std::string& name, const std::vector<double>& values);
  std::vector<double> read_numbers(const std::string& name) const;
  /// True if the last write_array or read_array was carried out collectively by MPI-IO (what HDF5 says of it).
  bool last_transfer_collective() const;
  /// True if the file system could reserve space beforehand.
  bool reserved() const;

 private:
  struct State;
  explicit H5File(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Writes a file as PATH.tmp and gives it its name only once it is complete on disk (fsync, rename, fsync of the
/// folder). Collective. Destroying it without `publish` removes the temporary file.
class StagedFile {
 public:
  StagedFile(const Communicator& comm, std::filesystem::path path);
  StagedFile(const StagedFile&) = delete;
  StagedFile& operator=(const StagedFile&) = delete;
  ~StagedFile();
  const std::filesystem::path& temporary() const { return temporary_; }
  const std::filesystem::path& path() const { return path_; }
  void publish();

 private:
  Communicator comm_;
  std::filesystem::path path_, temporary_;
  bool published_ = false;
};

}  // namespace kolmo::io
