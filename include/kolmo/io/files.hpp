/// Small files written whole or not at all. These calls are for one rank; errors throw FileError with the path and the
/// system's reason.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace kolmo::io {

/// Writes PATH.PROCESS.tmp (two programs do not get in each other's way), fsyncs, renames over PATH, fsyncs the folder.
/// A reader sees the old text or the new one, never a part.
void write_text_atomically(const std::filesystem::path& path, std::string_view text);
std::string read_text_file(const std::filesystem::path& path);
/// fsync of a file or folder.
void sync_to_disk(const std::filesystem::path& path);
/// Asks the system to begin to carry these bytes of a file to the disk and does not wait: a later fsync has less to do.
void start_writing_back(const std::filesystem::path& path, std::uint64_t begin, std::uint64_t bytes);
/// rename, then fsync of the folder that holds `to`.
void rename_durably(const std::filesystem::path& from, const std::filesystem::path& to);
/// The path as MPI-IO can take it: relative to the working folder where it lies below it and is long. Throws FileError
/// beyond 200 characters: OpenMPI writes a path and what it adds to it into 256, and aborts.
std::string parallel_path(const std::filesystem::path& path);
/// "cannot write 'PATH': REASON" of errno.
std::string system_failure(std::string_view action, const std::filesystem::path& path, int error_number);

/// The number N of a file name NNNNNN.h5, or -1.
long long step_of(const std::filesystem::path& file);
/// step 100 -> "000100.h5"; wider where six digits do not do.
std::string step_file_name(long long step);

}  // namespace kolmo::io
