#include <unistd.h>

#include "kolmo/base/error.hpp"
#include "kolmo/io/agree.hpp"
#include "kolmo/io/files.hpp"
#include "kolmo/io/hdf5.hpp"

namespace kolmo::io {

StagedFile::StagedFile(const Communicator& comm, std::filesystem::path path) : comm_(comm), path_(std::move(path)) {
  temporary_ = path_;
  temporary_ += ".tmp";
}

StagedFile::~StagedFile() {
  if (!published_ && comm_.root()) (void)::unlink(temporary_.c_str());
}

void StagedFile::publish() {
  // On every rank: on a distributed file system each machine holds bytes of its own.
  std::string failure;
  try {
    sync_to_disk(temporary_);
  } catch (const FileError& error) {
    failure = error.what();
  }
  agree(comm_, failure);
  on_root(comm_, [&] { rename_durably(temporary_, path_); });
  published_ = true;
}

}  // namespace kolmo::io
