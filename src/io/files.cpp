#include "kolmo/io/files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>

#include "kolmo/base/error.hpp"

namespace kolmo::io {

namespace {

/// A POSIX file descriptor that closes itself.
class Descriptor {
 public:
  Descriptor(const std::filesystem::path& path, int flags, int mode = 0)
      : number_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  operator int() const { return number_; }
  /// The result of close(2), which may be the first to report a full disk.
  int close() {
    const int code = ::close(number_);
    number_ = -1;
    return code;
  }

 private:
  int number_;
};

/// Returns 0 or an error number.
int write_whole(const std::filesystem::path& path, std::string_view text) {
  Descriptor file(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (file < 0) return errno;
  while (!text.empty()) {
    const ssize_t written = ::write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fsync(file) != 0) return errno;
  return file.close() == 0 ? 0 : errno;
}

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

}  // namespace

std::string system_failure(std::string_view action, const std::filesystem::path& path, int error_number) {
  return fmt::format("{} '{}': {}", action, path.string(), std::strerror(error_number));
}

void sync_to_disk(const std::filesystem::path& path) {
  Descriptor file(path, O_RDONLY);
  if (file < 0) throw FileError(system_failure("cannot open", path, errno));
  // Some file systems cannot sync a folder and say EINVAL; there is nothing better to do on them.
  if (::fsync(file) != 0 && errno != EINVAL) throw FileError(system_failure("cannot write to disk", path, errno));
}

void start_writing_back(const std::filesystem::path& path, std::uint64_t begin, std::uint64_t bytes) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (descriptor < 0) return;  // a wish: what is wrong shows at the fsync
  (void)::sync_file_range(descriptor, static_cast<off_t>(begin), static_cast<off_t>(bytes), SYNC_FILE_RANGE_WRITE);
  (void)::close(descriptor);
}

void rename_durably(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (std::rename(from.c_str(), to.c_str()) != 0) throw FileError(system_failure("cannot rename to", to, errno));
  sync_to_disk(folder_of(to));
}

void write_text_atomically(const std::filesystem::path& path, std::string_view text) {
  std::filesystem::path temporary = path;
  temporary += fmt::format(".{}.tmp", ::getpid());
  if (const int code = write_whole(temporary, text); code != 0) {
    ::unlink(temporary.c_str());
    throw FileError(system_failure("cannot write", path, code));
  }
  try {
    rename_durably(temporary, path);
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
}

std::string read_text_file(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) throw FileError(system_failure("cannot read", path, EISDIR));
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) throw FileError(system_failure("cannot read", path, errno ? errno : EIO));
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (file.bad()) throw FileError(system_failure("cannot read", path, EIO));
  return text;
}

std::string parallel_path(const std::filesystem::path& path) {
  constexpr std::size_t most = 200;
  std::string text = path.string();
  if (text.size() > most && path.is_absolute()) {
    const std::filesystem::path nearer = path.lexically_relative(std::filesystem::current_path());
    // Upwards a link on the way could lead elsewhere.
    if (!nearer.empty() && *nearer.begin() != "..") text = nearer.string();
  }
  if (text.size() > most)
    throw FileError(fmt::format("'{}': a path of {} characters; MPI takes {}. Run from a folder nearer to it", text,
                                text.size(), most));
  return text;
}

long long step_of(const std::filesystem::path& file) {
  const std::string stem = file.stem().string();
  if (file.extension() != ".h5" || stem.size() < 6 || stem.size() > 18) return -1;
  if (stem.find_first_not_of("0123456789") != std::string::npos) return -1;
  return std::stoll(stem);
}

std::string step_file_name(long long step) { return fmt::format("{:06}.h5", step); }

}  // namespace kolmo::io
