#include "kolmo/io/hdf5.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <exception>

#include "hdf5_handles.hpp"
#include "kolmo/base/error.hpp"
#include "kolmo/io/agree.hpp"
#include "kolmo/io/files.hpp"

namespace kolmo::io {

namespace {

constexpr std::uint64_t metadata_reserve = 1 << 20;  // headers, attributes and chunk indices of a file
constexpr hsize_t page = 4096;                       // where arrays begin: ranks then share few pages of the system
constexpr std::uint64_t piece_bytes = 64 << 20;      // of a rank's part that are written at once
constexpr std::size_t max_text = 60000;              // an attribute lives in the object header: below 64 KiB

using Chunk = std::vector<hsize_t>;

Id file_access(const Communicator& comm) {
  (void)H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);  // errors are reported by exceptions
  Id access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  const bool ok = access.valid() && H5Pset_fapl_mpio(access, comm.handle(), MPI_INFO_NULL) >= 0 &&
                  H5Pset_coll_metadata_write(access, true) >= 0 && H5Pset_all_coll_metadata_ops(access, true) >= 0 &&
                  H5Pset_alignment(access, page / 8, page) >= 0 &&
                  H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_LATEST) >= 0;
  if (!ok) throw InternalError("HDF5 refuses parallel file access: " + hdf5_reason());
  return access;
}

/// About 2^18 numbers a chunk, equal parts of each direction so that edge chunks waste little.
Chunk chunk_shape(const Slab& slab) {
  const std::size_t space_rank = slab.global.size() - (slab.components > 1 ? 1 : 0);
  const double edge = std::exp2(18.0 / static_cast<double>(space_rank));
  Chunk chunk(slab.global.begin(), slab.global.end());
  for (std::size_t d = 0; d < space_rank; ++d) {
    const auto parts = static_cast<hsize_t>(std::ceil(static_cast<double>(slab.global[d]) / edge));
    chunk[d] = (slab.global[d] + parts - 1) / parts;
  }
  return chunk;
}

std::uint64_t stored_size(const Slab& slab, const Chunk& chunk, std::size_t item) {
  std::uint64_t numbers = 1, chunks = 1;
  for (std::size_t d = 0; d < chunk.size(); ++d) {
    const std::uint64_t parts = (slab.global[d] + chunk[d] - 1) / chunk[d];
    numbers *= parts * chunk[d];
    chunks *= parts;
  }
  return numbers * item + chunks * 64;
}

}  // namespace

std::string hdf5_reason() {
  std::string text;
  const H5E_walk2_t first = [](unsigned n, const H5E_error2_t* error, void* into) -> herr_t {
    if (n == 0 && error->desc) *static_cast<std::string*>(into) = error->desc;
    return 0;
  };
  (void)H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, first, &text);
  return text.empty() ? "HDF5 gives no reason" : text;
}

std::size_t Slab::size() const {
  std::size_t n = 1;
  for (auto c : count) n *= c;
  return n;
}

ByteRange span_of(const Slab& slab) {
  if (slab.size() == 0) return {};
  std::uint64_t first = 0, last = 0;
  for (std::size_t d = 0; d < slab.global.size(); ++d) {
    first = first * slab.global[d] + slab.start[d];
    last = last * slab.global[d] + slab.start[d] + slab.count[d] - 1;
  }
  return {first * sizeof(double), (last + 1) * sizeof(double)};
}

template <int Dim>
Slab slab_of(const Decomposition<Dim>& decomposition, int components) {
  Slab slab;
  const Box<Dim>& box = decomposition.owned();
  for (int d = Dim - 1; d >= 0; --d) {
    slab.global.push_back(static_cast<std::uint64_t>(decomposition.cells()[d]));
    slab.start.push_back(static_cast<std::uint64_t>(box.begin[d]));
    slab.count.push_back(static_cast<std::uint64_t>(std::max(0, box.extent(d))));
  }
  slab.components = components;
  if (components > 1) {
    slab.global.push_back(static_cast<std::uint64_t>(components));
    slab.start.push_back(0);
    slab.count.push_back(static_cast<std::uint64_t>(components));
  }
  return slab;
}
template Slab slab_of<1>(const Decomposition<1>&, int);
template Slab slab_of<2>(const Decomposition<2>&, int);
template Slab slab_of<3>(const Decomposition<3>&, int);
template Slab slab_of<4>(const Decomposition<4>&, int);
template Slab slab_of<5>(const Decomposition<5>&, int);
template Slab slab_of<6>(const Decomposition<6>&, int);

struct H5File::State {
  Communicator comm;
  std::filesystem::path path;
  Id file;
  bool writing = false;
  bool agreed = false;      // a failure is known to all ranks: closing together is safe while unwinding
  std::uint64_t bytes = 0;  // reserved
  bool can_reserve = true;
  bool collective = false;
  std::vector<float> single;  // conversion buffer: HDF5's own conversion would end collective transfers
  int exceptions = std::uncaught_exceptions();

  State(const Communicator& c, std::filesystem::path p) : comm(c), path(std::move(p)) {}
  ~State() {
    // Closing is collective. While one rank alone unwinds, the others would not come: leave the file to the abort.
    const bool unwinding = std::uncaught_exceptions() > exceptions;
    if (unwinding && !agreed && comm.size() > 1) file.forget();
  }

  std::string failure(std::string_view action, const std::string& what) const {
    return fmt::format("cannot {} {}'{}': {}", action, what, path.string(), hdf5_reason());
  }
  /// For calls that fail on every rank alike.
  void require(bool ok, std::string_view action, const std::string& what = "") const {
    if (!ok) throw FileError(failure(action, what));
  }
  /// For calls that may fail on one rank: collective.
  void settle(bool ok, std::string_view action, const std::string& what = "") {
    const std::string text = ok ? "" : failure(action, what);
    agreed = !comm.all(ok);
    agree(comm, text);
  }
  void reserve(std::uint64_t more);
  void reserve_on_disk(std::uint64_t more);
  Id create(const std::string& name, const Slab& slab, Precision precision, const Chunk& chunk);
  void transfer(hid_t array, const Slab& slab, Precision precision, bool write, double* packed);
};

void H5File::State::reserve_on_disk(std::uint64_t more) {
  const std::uint64_t total = bytes + more;
  rlimit limit{};
  if (::getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && total > limit.rlim_cur)
    throw FileError(fmt::format("cannot write '{}': it needs {} bytes, the limit of a file's size is {}", path.string(),
                                total, limit.rlim_cur));
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (descriptor < 0) throw FileError(system_failure("cannot write", path, errno));
  int code = ::fallocate(descriptor, FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(total)) == 0 ? 0 : errno;
  struct statvfs space {};
  const bool known = ::fstatvfs(descriptor, &space) == 0;
  const std::uint64_t available = known ? static_cast<std::uint64_t>(space.f_bavail) * space.f_frsize : 0;
  ::close(descriptor);
  if (code == EOPNOTSUPP || code == ENOSYS) {
    can_reserve = false;
    code = known && available < more ? ENOSPC : 0;
  }
  if (code != 0)
    throw FileError(fmt::format("{}; it needs {} bytes, {} are free", system_failure("cannot write", path, code), total,
                                available));
}

void H5File::State::reserve(std::uint64_t more) {
  agreed = true;  // on_root throws on every rank or on none
  on_root(comm, [&] { reserve_on_disk(more); });
  agreed = false;
  bytes += more;
}

H5File::H5File(std::unique_ptr<State> state) : state_(std::move(state)) {}
H5File::H5File(H5File&&) noexcept = default;
H5File& H5File::operator=(H5File&&) noexcept = default;
H5File::~H5File() = default;
const std::filesystem::path& H5File::path() const { return state_->path; }
bool H5File::last_transfer_collective() const { return state_->collective; }
bool H5File::reserved() const { return state_->can_reserve; }

H5File H5File::create(const Communicator& comm, const std::filesystem::path& path) {
  // The system's own words where the file cannot be made; MPI's would be "unknown error".
  on_root(comm, [&] {
    const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (descriptor < 0) throw FileError(system_failure("cannot write", path, errno));
    ::close(descriptor);
  });
  auto state = std::make_unique<State>(comm, path);
  state->writing = true;
  // Before HDF5 writes: where its first bytes find no room, it crashes at the end of the program.
  on_root(comm, [&] { state->reserve_on_disk(metadata_reserve); });
  const Id access = file_access(comm);
  const Id creation(H5Pcreate(H5P_FILE_CREATE), H5Pclose);
  (void)H5Pset_obj_track_times(creation, 0);  // of the root group: the same values make the same bytes
  state->file = Id(H5Fcreate(parallel_path(path).c_str(), H5F_ACC_TRUNC, creation, access), H5Fclose);
  state->settle(state->file.valid(), "create");
  state->reserve(metadata_reserve);
  return H5File(std::move(state));
}

H5File H5File::open(const Communicator& comm, const std::filesystem::path& path) {
  on_root(comm, [&] {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) throw FileError(system_failure("cannot read", path, errno));
    ::close(descriptor);
  });
  const std::string name = parallel_path(path);
  auto state = std::make_unique<State>(comm, path);
  const Id access = file_access(comm);
  state->file = Id(H5Fopen(name.c_str(), H5F_ACC_RDONLY, access), H5Fclose);
  state->settle(state->file.valid(), "open");
  return H5File(std::move(state));
}

void H5File::close() {
  if (!state_ || !state_->file.valid()) return;
  state_->settle(state_->file.close() >= 0, state_->writing ? "finish writing" : "close");
  if (!state_->writing || !state_->can_reserve || !state_->comm.root()) return;
  // What was reserved behind the end goes back to the file system; where it does not take it, space is lost, no more.
  std::error_code ignored;
  const auto size = std::filesystem::file_size(state_->path, ignored);
  if (!ignored) std::filesystem::resize_file(state_->path, size, ignored);
}

// --- attributes ----------------------------------------------------------------------------------------------------

namespace {

void write_attribute(hid_t file, const std::string& object, const std::string& name, hid_t type, const void* value,
                     bool& ok) {
  const Id space(H5Screate(H5S_SCALAR), H5Sclose);
  const Id attribute(
      H5Acreate_by_name(file, object.c_str(), name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
      H5Aclose);
  ok = attribute.valid() && H5Awrite(attribute, type, value) >= 0;
}

Id open_attribute(hid_t file, const std::string& object, const std::string& name) {
  return Id(H5Aopen_by_name(file, object.c_str(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
}

Id text_type(std::size_t length) {
  Id type(H5Tcopy(H5T_C_S1), H5Tclose);
  (void)H5Tset_size(type, std::max<std::size_t>(length, 1));
  (void)H5Tset_cset(type, H5T_CSET_UTF8);
  (void)H5Tset_strpad(type, H5T_STR_NULLPAD);
  return type;
}

/// Reads a scalar of the given class; false where the attribute is missing or something else.
bool read_scalar(hid_t file, const std::string& object, const std::string& name, H5T_class_t kind, hid_t type,
                 void* value) {
  const Id attribute = open_attribute(file, object, name);
  if (!attribute.valid()) return false;
  const Id stored(H5Aget_type(attribute), H5Tclose);
  const Id space(H5Aget_space(attribute), H5Sclose);
  return H5Tget_class(stored) == kind && H5Sget_simple_extent_npoints(space) == 1 &&
         H5Aread(attribute, type, value) >= 0;
}

std::string quoted(const std::string& name) { return fmt::format("attribute '{}' of ", name); }

}  // namespace

void H5File::write_text(const std::string& object, const std::string& name, const std::string& value) {
  if (value.size() > max_text)
    throw FileError(fmt::format("text '{}' of '{}' is too long ({} bytes)", name, path().string(), value.size()));
  const Id type = text_type(value.size());
  const std::string padded = value.empty() ? std::string(1, '\0') : value;
  bool ok = false;
  write_attribute(state_->file, object, name, type, padded.data(), ok);
  state_->require(ok, "write", quoted(name));
}

void H5File::write_number(const std::string& object, const std::string& name, double value) {
  bool ok = false;
  write_attribute(state_->file, object, name, H5T_NATIVE_DOUBLE, &value, ok);
  state_->require(ok, "write", quoted(name));
}

void H5File::write_integer(const std::string& object, const std::string& name, std::int64_t value) {
  bool ok = false;
  write_attribute(state_->file, object, name, H5T_NATIVE_INT64, &value, ok);
  state_->require(ok, "write", quoted(name));
}

bool H5File::has_attribute(const std::string& object, const std::string& name) const {
  return H5Aexists_by_name(state_->file, object.c_str(), name.c_str(), H5P_DEFAULT) > 0;
}

std::string H5File::read_text(const std::string& object, const std::string& name) const {
  const Id attribute = open_attribute(state_->file, object, name);
  state_->require(attribute.valid(), "read", quoted(name));
  const Id type(H5Aget_type(attribute), H5Tclose);
  const std::size_t size = H5Tget_size(type);
  const bool fits = H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) == 0 && size <= max_text;
  state_->require(fits, "read", quoted(name));
  std::string text(size, '\0');
  const Id memory = text_type(size);
  state_->require(H5Aread(attribute, memory, text.data()) >= 0, "read", quoted(name));
  text.erase(text.find_last_not_of('\0') + 1);
  return text;
}

double H5File::read_number(const std::string& object, const std::string& name) const {
  double value = 0.0;
  const bool ok = read_scalar(state_->file, object, name, H5T_FLOAT, H5T_NATIVE_DOUBLE, &value);
  state_->require(ok, "read", quoted(name));
  return value;
}

std::int64_t H5File::read_integer(const std::string& object, const std::string& name) const {
  std::int64_t value = 0;
  const bool ok = read_scalar(state_->file, object, name, H5T_INTEGER, H5T_NATIVE_INT64, &value);
  state_->require(ok, "read", quoted(name));
  return value;
}

// --- arrays --------------------------------------------------------------------------------------------------------

namespace {

std::string named(const std::string& name) { return fmt::format("array '{}' of ", name); }

Id open_array(hid_t file, const std::string& name) {
  // Asking first keeps a missing array from being an error inside a collective call.
  if (H5Lexists(file, name.c_str(), H5P_DEFAULT) <= 0) return {};
  return Id(H5Dopen2(file, name.c_str(), H5P_DEFAULT), H5Dclose);
}

std::vector<std::uint64_t> extent_of(hid_t array) {
  const Id space(H5Dget_space(array), H5Sclose);
  const int rank = H5Sget_simple_extent_ndims(space);
  std::vector<hsize_t> extent(static_cast<std::size_t>(std::max(rank, 0)));
  if (rank > 0) (void)H5Sget_simple_extent_dims(space, extent.data(), nullptr);
  return {extent.begin(), extent.end()};
}

Id file_space(hid_t array, const Slab& slab) {
  Id space(H5Dget_space(array), H5Sclose);
  const std::vector<hsize_t> start(slab.start.begin(), slab.start.end());
  const std::vector<hsize_t> count(slab.count.begin(), slab.count.end());
  if (slab.size() == 0)
    (void)H5Sselect_none(space);
  else
    (void)H5Sselect_hyperslab(space, H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr);
  return space;
}

Id memory_space(std::size_t numbers) {
  const hsize_t extent = std::max<std::size_t>(numbers, 1);
  Id space(H5Screate_simple(1, &extent, nullptr), H5Sclose);
  if (numbers == 0) (void)H5Sselect_none(space);
  return space;
}

}  // namespace

void H5File::State::transfer(hid_t array, const Slab& slab, Precision precision, bool write, double* packed) {
  const std::size_t numbers = slab.size();
  const bool narrow = precision == Precision::float32;
  const hid_t type = narrow ? H5T_NATIVE_FLOAT : H5T_NATIVE_DOUBLE;
  if (narrow) single.resize(std::max<std::size_t>(numbers, 1));
  if (narrow && write) std::transform(packed, packed + numbers, single.begin(), [](double v) { return float(v); });
  double nothing = 0.0;
  void* memory = narrow ? static_cast<void*>(single.data()) : numbers ? packed : &nothing;

  const Id in_file = file_space(array, slab), in_memory = memory_space(numbers);
  const Id how(H5Pcreate(H5P_DATASET_XFER), H5Pclose);
  (void)H5Pset_dxpl_mpio(how, H5FD_MPIO_COLLECTIVE);
  // One linked transfer over all chunks: HDF5 would otherwise fall back to independent ones for some shapes.
  (void)H5Pset_dxpl_mpio_chunk_opt(how, H5FD_MPIO_CHUNK_ONE_IO);
  const herr_t code = write ? H5Dwrite(array, type, in_memory, in_file, how, memory)
                            : H5Dread(array, type, in_memory, in_file, how, memory);
  settle(code >= 0, write ? "write" : "read");
  H5D_mpio_actual_io_mode_t mode = H5D_MPIO_NO_COLLECTIVE;
  (void)H5Pget_mpio_actual_io_mode(how, &mode);
  collective = mode == H5D_MPIO_CHUNK_COLLECTIVE || mode == H5D_MPIO_CONTIGUOUS_COLLECTIVE;
  if (narrow && !write)
    std::transform(single.begin(), single.begin() + static_cast<std::ptrdiff_t>(numbers), packed,
                   [](float v) { return double(v); });
}

std::vector<std::string> H5File::arrays() const {
  std::vector<std::string> names;
  const H5L_iterate_t collect = [](hid_t, const char* name, const H5L_info_t*, void* into) -> herr_t {
    static_cast<std::vector<std::string>*>(into)->emplace_back(name);
    return 0;
  };
  hsize_t position = 0;
  const bool ok = H5Literate(state_->file, H5_INDEX_NAME, H5_ITER_INC, &position, collect, &names) >= 0;
  state_->require(ok, "list");
  std::erase_if(names, [&](const std::string& name) { return !open_array(state_->file, name).valid(); });
  return names;
}

bool H5File::has_array(const std::string& name) const { return H5Lexists(state_->file, name.c_str(), H5P_DEFAULT) > 0; }

std::vector<std::uint64_t> H5File::extent(const std::string& name) const {
  const Id array = open_array(state_->file, name);
  state_->require(array.valid(), "open", named(name));
  return extent_of(array);
}

Precision H5File::precision(const std::string& name) const {
  const Id array = open_array(state_->file, name);
  state_->require(array.valid(), "open", named(name));
  const Id type(H5Dget_type(array), H5Tclose);
  const std::size_t size = H5Tget_size(type);
  state_->require(H5Tget_class(type) == H5T_FLOAT && (size == 4 || size == 8), "use the type of", named(name));
  return size == 4 ? Precision::float32 : Precision::float64;
}

Id H5File::State::create(const std::string& name, const Slab& slab, Precision precision, const Chunk& chunk) {
  const std::vector<hsize_t> extent(slab.global.begin(), slab.global.end());
  const Id space(H5Screate_simple(static_cast<int>(extent.size()), extent.data(), nullptr), H5Sclose);
  const Id creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  if (!chunk.empty()) (void)H5Pset_chunk(creation, static_cast<int>(chunk.size()), chunk.data());
  (void)H5Pset_fill_time(creation, H5D_FILL_TIME_NEVER);
  (void)H5Pset_obj_track_times(creation, 0);  // the same values make the same bytes
  const hid_t type = precision == Precision::float32 ? H5T_IEEE_F32LE : H5T_IEEE_F64LE;
  Id array(H5Dcreate2(file, name.c_str(), type, space, H5P_DEFAULT, creation, H5P_DEFAULT), H5Dclose);
  settle(array.valid(), "create", named(name));
  return array;
}

void H5File::write_array(const std::string& name, const Slab& slab, const double* packed, Precision precision) {
  const Chunk chunk = chunk_shape(slab);
  state_->reserve(stored_size(slab, chunk, precision == Precision::float32 ? 4 : 8));
  const Id array = state_->create(name, slab, precision, chunk);
  state_->transfer(array, slab, precision, true, const_cast<double*>(packed));
}

std::uint64_t H5File::write_contiguous(const std::string& name, const Slab& slab, const double* packed) {
  state_->reserve(stored_size(slab, Chunk(slab.global.begin(), slab.global.end()), sizeof(double)) + page);
  const Id array = state_->create(name, slab, Precision::float64, {});
  const haddr_t begin = H5Dget_offset(array);
  state_->settle(begin != HADDR_UNDEF, "find a place for", named(name));
  const std::uint64_t planes = slab.count[0], plane = planes > 0 ? slab.size() / planes : 0;
  const auto wanted = static_cast<std::int64_t>((slab.size() * sizeof(double) + piece_bytes - 1) / piece_bytes);
  const auto pieces = static_cast<std::uint64_t>(std::max<std::int64_t>(state_->comm.max(wanted), 1));
  for (std::uint64_t p = 0; p < pieces; ++p) {
    Slab piece = slab;
    const std::uint64_t first = planes * p / pieces;
    piece.start[0] += first;
    piece.count[0] = planes * (p + 1) / pieces - first;
    state_->transfer(array, piece, Precision::float64, true, const_cast<double*>(packed + first * plane));
    const ByteRange span = span_of(piece);
    if (span.end > span.begin) start_writing_back(path(), begin + span.begin, span.end - span.begin);
  }
  return begin;
}

std::uint64_t H5File::offset(const std::string& name) const {
  const Id array = open_array(state_->file, name);
  state_->require(array.valid(), "open", named(name));
  const haddr_t begin = H5Dget_offset(array);
  return begin == HADDR_UNDEF ? 0 : begin;
}

void H5File::read_array(const std::string& name, const Slab& slab, double* packed) const {
  const Precision stored = precision(name);
  const Id array = open_array(state_->file, name);
  if (extent_of(array) != slab.global)
    throw FileError(fmt::format("array '{}' of '{}' is {}, expected {}", name, path().string(),
                                fmt::join(extent_of(array), " x "), fmt::join(slab.global, " x ")));
  state_->transfer(array, slab, stored, false, packed);
}

void H5File::write_numbers(const std::string& name, const std::vector<double>& values) {
  state_->reserve(values.size() * sizeof(double));
  const Slab slab{{values.size()}, {0}, {state_->comm.root() ? values.size() : 0}, 1};
  const Id array = state_->create(name, slab, Precision::float64, {});
  if (values.empty()) return;
  state_->transfer(array, slab, Precision::float64, true, const_cast<double*>(values.data()));
}

std::vector<double> H5File::read_numbers(const std::string& name) const {
  const Id array = open_array(state_->file, name);
  state_->require(array.valid(), "open", named(name));
  const std::vector<std::uint64_t> extent = extent_of(array);
  hsize_t file_bytes = 0;
  (void)H5Fget_filesize(state_->file, &file_bytes);
  if (extent.size() != 1 || extent[0] > file_bytes / sizeof(double) || precision(name) != Precision::float64)
    throw FileError(fmt::format("array '{}' of '{}' is no list of numbers", name, path().string()));
  std::vector<double> values(extent[0]);
  if (!values.empty()) state_->transfer(array, {extent, {0}, extent, 1}, Precision::float64, false, values.data());
  return values;
}

}  // namespace kolmo::io
