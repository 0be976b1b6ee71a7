#include "kolmo/io/checkpoint.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <sstream>

#include "digest.hpp"
#include "kolmo/base/error.hpp"
#include "kolmo/io/agree.hpp"
#include "kolmo/io/files.hpp"

namespace kolmo::io {

namespace {

namespace fs = std::filesystem;

constexpr const char* format_name = "kolmo checkpoint";
constexpr const char* content_sum = "content_sum";  // of an array: slab_sum over all of it
constexpr std::int64_t format_version = 3;
constexpr std::array<char, 8> first_magic{'K', 'O', 'L', 'M', 'O', 'S', 'L', '1'};  // another checksum

/// The last bytes of a checkpoint. HDF5 takes no notice of what follows its own end of the file.
struct Seal {
  std::array<char, 8> magic{'K', 'O', 'L', 'M', 'O', 'S', 'L', '2'};
  std::uint64_t length = 0;  // of the HDF5 file before it
  std::uint64_t digest = 0;  // file_sum of those bytes
};
static_assert(sizeof(Seal) == 24);

std::string value_name(const std::string& name) { return "value." + name; }

/// Where a file or folder cannot be looked at: it must not be taken for one that is not there.
void refuse_unread(const fs::path& path, const std::error_code& code) {
  if (code && code != std::errc::no_such_file_or_directory)
    throw FileError(fmt::format("cannot read '{}': {}", path.string(), code.message()));
}

/// The entries of a folder; none where there is no such folder. Throws FileError where it cannot be read. One rank.
std::vector<fs::directory_entry> entries_of(const fs::path& folder) {
  std::vector<fs::directory_entry> entries;
  std::error_code code;
  if (!fs::exists(fs::symlink_status(folder, code))) {
    refuse_unread(folder, code);
    return entries;
  }
  fs::directory_iterator entry(folder, code);
  if (code) throw FileError(fmt::format("cannot read '{}': {}", folder.string(), code.message()));
  for (; entry != fs::directory_iterator(); entry.increment(code)) {
    refuse_unread(folder, code);
    entries.push_back(*entry);
  }
  return entries;
}

/// Checkpoints of a folder, newest first. Throws as entries_of. One rank.
std::vector<fs::path> list(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : entries_of(folder)) {
    std::error_code code;
    if (step_of(entry.path()) < 0 || entry.is_symlink(code)) continue;
    if (entry.is_regular_file(code)) files.push_back(entry.path());
    refuse_unread(entry.path(), code);
  }
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return step_of(a) > step_of(b); });
  return files;
}

void append_seal(const fs::path& path, const Seal& seal) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (descriptor < 0) throw FileError(system_failure("cannot write", path, errno));
  errno = ENOSPC;  // what a short write means
  const bool written = ::write(descriptor, &seal, sizeof seal) == static_cast<ssize_t>(sizeof seal);
  const int code = errno;
  const bool closed = ::close(descriptor) == 0;
  if (!written || !closed) throw FileError(system_failure("cannot write", path, written ? errno : code));
}

/// Reads the seal on rank 0; on every rank the reason why there is none that fits the file's length.
std::string read_seal(const Communicator& comm, const fs::path& path, Seal& seal) {
  std::string reason;
  if (comm.root()) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    const off_t end = descriptor < 0 ? -1 : ::lseek(descriptor, 0, SEEK_END);
    const off_t start = end - static_cast<off_t>(sizeof seal);
    if (end < 0)
      reason = std::strerror(errno);
    else if (start < 0)
      reason = fmt::format("too short ({} bytes)", end);
    else if (::pread(descriptor, &seal, sizeof seal, start) != static_cast<ssize_t>(sizeof seal))
      reason = "cannot be read";
    else if (seal.magic == first_magic)
      reason = "written by an earlier version of this program, whose checkpoints this one does not read";
    else if (seal.magic != Seal{}.magic || seal.length != static_cast<std::uint64_t>(start))
      reason = "not sealed: cut short, or no checkpoint";
    if (descriptor >= 0) ::close(descriptor);
  }
  comm.broadcast(reason);
  check_mpi(MPI_Bcast(&seal, sizeof seal, MPI_BYTE, 0, comm.handle()), "MPI_Bcast");
  return reason;
}

/// For people: `latest` names the newest file. A file system without links does without.
void point_latest(const fs::path& folder, const fs::path& file) {
  const fs::path temporary = folder / "latest.tmp";
  std::error_code ignored;
  fs::remove(temporary, ignored);
  fs::create_symlink(file.filename(), temporary, ignored);
  if (!ignored) fs::rename(temporary, folder / "latest", ignored);
}

/// Removes checkpoints after `step`, which belong to a course of the run that was given up, and all but the newest
/// `keep`.
void prune(const fs::path& folder, std::int64_t step, int keep) {
  int kept = 0;
  try {
    for (const fs::path& file : list(folder)) {
      std::error_code ignored;
      if (step_of(file) > step || ++kept > std::max(keep, 1)) fs::remove(file, ignored);
    }
  } catch (const FileError&) {  // the new one is safe: the next one may clear up
  }
}

}  // namespace

std::string checkpoint_damage(const Communicator& comm, const fs::path& file) {
  Seal seal;
  if (std::string reason = read_seal(comm, file, seal); !reason.empty()) return reason;
  try {
    return file_sum(comm, file, seal.length) == seal.digest ? "" : "damaged: its checksum differs";
  } catch (const FileError& error) {
    return error.what();
  }
}

bool has_checkpoints(const fs::path& folder) { return !list(folder).empty(); }

bool holds_nothing(const fs::path& folder) {
  for (const fs::directory_entry& entry : entries_of(folder))
    if (entry.path().extension() != ".tmp" && entry.path().filename() != "latest") return false;
  return true;
}

void drop_checkpoints_after(const fs::path& file, std::int64_t step) {
  const fs::path folder = file.parent_path();
  bool dropped = false;
  for (const fs::path& other : list(folder)) {
    std::error_code code;
    if (step_of(other) <= step) continue;
    fs::remove(other, code);
    if (code) throw FileError(fmt::format("cannot remove '{}': {}", other.string(), code.message()));
    dropped = true;
  }
  if (!dropped) return;
  if (const auto left = list(folder); !left.empty())
    point_latest(folder, left.front());  // `file` may be `latest` itself
  sync_to_disk(folder);
}

// --- writing -------------------------------------------------------------------------------------------------------

CheckpointWriter::CheckpointWriter(const Communicator& comm, fs::path folder, const CheckpointLabel& label)
    : comm_(comm), folder_(std::move(folder)), label_(label), staged_(comm, folder_ / step_file_name(label.step)) {
  on_root(comm_, [&] { fs::create_directories(folder_); });
  file_ = H5File::create(comm_, staged_.temporary());
  file_->write_text("/", "format", format_name);
  file_->write_integer("/", "format_version", format_version);
  file_->write_integer("/", "step", label_.step);
  file_->write_number("/", "time", label_.time);
  file_->write_text("/", "case_hash", label_.case_hash);
}

void CheckpointWriter::array(const std::string& name, const Slab& slab, const double* packed) {
  const std::uint64_t begin = file_->write_contiguous(name, slab, packed);
  // While the disk is at work: of the values in memory, so that what goes wrong from here on is found.
  const WordSum mine = slab_sum(slab, packed, begin / 8);
  if (!comm_.all(mine.finite))
    throw NumericsError(fmt::format("'{}' is not finite: no checkpoint of step {} is written", name, label_.step));
  const std::uint64_t sum = wrapped_sum(comm_, mine.sum);
  file_->write_integer(name, content_sum, static_cast<std::int64_t>(sum));
  if (begin % 8 != 0) return;  // a few numbers between others: summed with the rest
  sum_ += sum;
  std::uint64_t numbers = 1;
  for (const std::uint64_t extent : slab.global) numbers *= extent;
  if (numbers > 0) summed_.push_back({begin, begin + numbers * sizeof(double)});
}

void CheckpointWriter::number(const std::string& name, double value) {
  file_->write_number("/", value_name(name), value);
}
void CheckpointWriter::integer(const std::string& name, std::int64_t value) {
  file_->write_integer("/", value_name(name), value);
}
void CheckpointWriter::text(const std::string& name, const std::string& value) {
  file_->write_text("/", value_name(name), value);
}
void CheckpointWriter::numbers(const std::string& name, const std::vector<double>& values) {
  if (values.empty()) return file_->write_numbers(name, values);
  array(name, {{values.size()}, {0}, {comm_.root() ? values.size() : 0}, 1}, values.data());
}

void CheckpointWriter::commit(int keep) {
  file_->close();
  file_.reset();
  Seal seal;
  on_root(comm_, [&] { seal.length = fs::file_size(staged_.temporary()); });
  check_mpi(MPI_Bcast(&seal.length, 1, MPI_UINT64_T, 0, comm_.handle()), "MPI_Bcast");
  std::sort(summed_.begin(), summed_.end(), [](const auto& a, const auto& b) { return a.begin < b.begin; });
  seal.digest = sum_ + file_sum(comm_, staged_.temporary(), seal.length, summed_);
  on_root(comm_, [&] { append_seal(staged_.temporary(), seal); });
  staged_.publish();
  on_root(comm_, [&] {
    point_latest(folder_, staged_.path());
    prune(folder_, label_.step, keep);
  });
}

// --- reading -------------------------------------------------------------------------------------------------------

CheckpointReader::CheckpointReader(const Communicator& comm, const fs::path& file) : comm_(comm) {
  if (const std::string damage = checkpoint_damage(comm, file); !damage.empty())
    throw RestartError(fmt::format("'{}': {}", file.string(), damage));
  try {
    file_ = H5File::open(comm, file);
    if (file_->read_text("/", "format") != format_name) throw FileError("it is no checkpoint");
    if (const auto version = file_->read_integer("/", "format_version"); version != format_version)
      throw FileError(fmt::format("its format is version {}, this program reads {}", version, format_version));
    label_ = {file_->read_integer("/", "step"), file_->read_number("/", "time"), file_->read_text("/", "case_hash")};
  } catch (const FileError& error) {
    throw RestartError(fmt::format("'{}': {}", file.string(), error.what()));
  }
}

namespace {
void refuse_other_case(const CheckpointReader& reader, const std::string& case_hash) {
  if (case_hash.empty() || reader.label().case_hash == case_hash) return;
  throw RestartError(fmt::format("'{}' belongs to another case (its hash is {}, this case's {})",
                                 reader.path().string(), reader.label().case_hash, case_hash));
}
}  // namespace

CheckpointReader CheckpointReader::open(const Communicator& comm, const fs::path& file, const std::string& case_hash) {
  CheckpointReader reader(comm, file);
  refuse_other_case(reader, case_hash);
  return reader;
}

CheckpointReader CheckpointReader::newest(const Communicator& comm, const fs::path& folder,
                                          const std::string& case_hash) {
  std::string names;
  on_root(comm, [&] {
    for (const fs::path& file : list(folder)) names += file.filename().string() + "\n";
  });
  comm.broadcast(names);
  std::vector<std::string> rejected;
  std::istringstream lines(names);
  for (std::string name; std::getline(lines, name);) {
    try {
      CheckpointReader reader(comm, folder / name);
      reader.rejected_ = rejected;
      refuse_other_case(reader, case_hash);
      return reader;
    } catch (const RestartError& error) {
      rejected.emplace_back(error.what());
    }
  }
  if (rejected.empty()) throw RestartError(fmt::format("no checkpoint in '{}'", folder.string()));
  throw RestartError(fmt::format("no usable checkpoint: {}", fmt::join(rejected, "; ")));
}

namespace {
template <class Read>
auto or_refuse(Read&& read) {
  try {
    return read();
  } catch (const FileError& error) {
    throw RestartError(error.what());
  }
}
}  // namespace

bool CheckpointReader::has(const std::string& name) const {
  return file_->has_attribute("/", value_name(name)) || file_->has_array(name);
}
double CheckpointReader::number(const std::string& name) const {
  return or_refuse([&] { return file_->read_number("/", value_name(name)); });
}
std::int64_t CheckpointReader::integer(const std::string& name) const {
  return or_refuse([&] { return file_->read_integer("/", value_name(name)); });
}
std::string CheckpointReader::text(const std::string& name) const {
  return or_refuse([&] { return file_->read_text("/", value_name(name)); });
}
std::vector<double> CheckpointReader::numbers(const std::string& name) const {
  std::vector<double> values = or_refuse([&] { return file_->read_numbers(name); });
  if (values.empty() || !file_->has_attribute(name, content_sum)) return values;  // earlier ones did not sum lists
  const std::uint64_t begin = or_refuse([&] { return file_->offset(name); });
  compare_sums(name, word_sum(values.data(), values.size(), begin / 8).sum);
  return values;
}

void CheckpointReader::compare_sums(const std::string& name, std::uint64_t sum) const {
  const auto written = static_cast<std::uint64_t>(or_refuse([&] { return file_->read_integer(name, content_sum); }));
  if (sum != written)
    throw RestartError(fmt::format("'{}': the values of '{}' are not those that were written", path().string(), name));
}

void CheckpointReader::array(const std::string& name, const Slab& slab, double* packed) const {
  or_refuse([&] { file_->read_array(name, slab, packed); });
  const std::uint64_t begin = or_refuse([&] { return file_->offset(name); });
  compare_sums(name, wrapped_sum(comm_, slab_sum(slab, packed, begin / 8).sum));
}

}  // namespace kolmo::io
