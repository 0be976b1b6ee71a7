/// Checkpoints: each is complete and verified or does not exist, and is read on any number of ranks.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kolmo/grid/decomposition.hpp"
#include "kolmo/io/hdf5.hpp"

namespace kolmo::io {

/// What a checkpoint is called and whose it is.
struct CheckpointLabel {
  std::int64_t step = 0;
  double time = 0.0;
  std::string case_hash;  ///< of everything that must not change between the legs of a run
};

/// Writes FOLDER/000100.h5 under a temporary name, closes it, appends a seal (length and 64-bit sum over all words, of
/// arrays taken in memory), fsyncs, renames, fsyncs the folder, points the link `latest` at it and removes all but the
/// newest `keep`. Collective. Values are kept bitwise. Whatever fails throws FileError with the path, leaves the older
/// checkpoints as they were and removes the temporary file.
class CheckpointWriter {
 public:
  CheckpointWriter(const Communicator& comm, std::filesystem::path folder, const CheckpointLabel& label);
  /// This rank's part, packed x fastest over decomposition.owned(); the decomposition may be a trimmed or extended one.
  /// Throws NumericsError on every rank where a value is not finite: such a state must not push out a good one.
  template <int Dim>
  void field(const std::string& name, const Decomposition<Dim>& decomposition, const double* packed) {
    array(name, slab_of<Dim>(decomposition), packed);
  }
  void number(const std::string& name, double value);
  void integer(const std::string& name, std::int64_t value);
  void text(const std::string& name, const std::string& value);
  /// The same list on every rank, finite as a field is.
  void numbers(const std::string& name, const std::vector<double>& values);
  /// Seals and publishes. Without it nothing remains.
  void commit(int keep = 2);

 private:
  void array(const std::string& name, const Slab& slab, const double* packed);
  Communicator comm_;
  std::filesystem::path folder_;
  CheckpointLabel label_;
  StagedFile staged_;
  std::optional<H5File> file_;
  std::uint64_t sum_ = 0;          // over the words of the arrays, taken in memory
  std::vector<ByteRange> summed_;  // where in the file they are
};

/// A verified checkpoint, open for reading. Throws RestartError with the reason for whatever is missing or does not
/// fit.
class CheckpointReader {
 public:
  /// The newest valid checkpoint of a folder; invalid ones are passed over and named in `rejected`. Throws RestartError
  /// if none is valid, and if the newest valid one has another case hash (an empty hash fits all); FileError where the
  /// folder cannot be read.
  static CheckpointReader newest(const Communicator& comm, const std::filesystem::path& folder,
                                 const std::string& case_hash);
  /// This file and no other.
  static CheckpointReader open(const Communicator& comm, const std::filesystem::path& file,
                               const std::string& case_hash);

  const CheckpointLabel& label() const { return label_; }
  std::int64_t step() const { return label_.step; }
  double time() const { return label_.time; }
  const std::filesystem::path& path() const { return file_->path(); }
  const std::vector<std::string>& rejected() const { return rejected_; }

  bool has(const std::string& name) const;
  /// Into this rank's packed box; throws RestartError if the global extent differs or the values are not those that
  /// were written.
  template <int Dim>
  void field(const std::string& name, const Decomposition<Dim>& decomposition, double* packed) const {
    array(name, slab_of<Dim>(decomposition), packed);
  }
  double number(const std::string& name) const;
  std::int64_t integer(const std::string& name) const;
  std::string text(const std::string& name) const;
  /// Throws RestartError also where the values are not those that were written.
  std::vector<double> numbers(const std::string& name) const;

 private:
  CheckpointReader(const Communicator& comm, const std::filesystem::path& file);
  void array(const std::string& name, const Slab& slab, double* packed) const;
  void compare_sums(const std::string& name, std::uint64_t sum) const;
  Communicator comm_;
  CheckpointLabel label_;
  std::vector<std::string> rejected_;
  std::optional<H5File> file_;
};

/// True if FOLDER holds at least one file that has a checkpoint's name; says nothing of its validity. False where there
/// is no FOLDER. Throws FileError where it cannot be read. One rank.
bool has_checkpoints(const std::filesystem::path& folder);

/// True if there is no FOLDER, or nothing in it but what a writer left that was killed. Throws as above. One rank.
bool holds_nothing(const std::filesystem::path& folder);

/// Removes the checkpoints beside FILE of later steps than `step`: they belong to a course of the run that is given up.
/// FILE is the newest then. Throws FileError. One rank.
void drop_checkpoints_after(const std::filesystem::path& file, std::int64_t step);

/// Collective. Empty if the bytes of the file are those its seal was made for, else the reason why not.
std::string checkpoint_damage(const Communicator& comm, const std::filesystem::path& file);

}  // namespace kolmo::io
