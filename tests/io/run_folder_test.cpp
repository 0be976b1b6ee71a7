#include "kolmo/io/run_folder.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <optional>

#include "io/temporary_folder.hpp"
#include "kolmo/base/error.hpp"
#include "kolmo/io/files.hpp"
#include "kolmo/io/summary.hpp"

namespace kolmo::io {
namespace {

namespace fs = std::filesystem;

void put(const fs::path& path, const std::string& text) {
  const Communicator comm;
  if (comm.root()) {
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
  }
  comm.barrier();
}

template <class E>
std::string message(const std::function<void()>& body) {
  try {
    body();
  } catch (const E& error) {
    return error.what();
  }
  return "no such error";
}

TEST(RunFolder, IsMadeWithItsParentsAndUnlockedAtTheEnd) {
  const Communicator comm;
  const test::TemporaryFolder folder;
  const fs::path path = folder / "a b/süß/run";
  {
    const RunFolder run(comm, path, Existing::refuse);
    run.make(run.lines());
    run.write_text("run.toml", "a = 1\n");
    EXPECT_TRUE(fs::is_directory(path / "lines"));
    EXPECT_TRUE(fs::exists(path / ".lock"));
    EXPECT_EQ(read_text_file(run.run_toml()), "a = 1\n");
    comm.barrier();
  }
  comm.barrier();
  EXPECT_FALSE(fs::exists(path / ".lock"));
}

TEST(RunFolder, ExistingRunIsKeptOverwrittenOrRefused) {
  const Communicator comm;
  const test::TemporaryFolder folder;
  const fs::path path = folder / "run";
  EXPECT_THROW(RunFolder(comm, path, Existing::resume), RestartError);
  EXPECT_FALSE(fs::exists(path));  // a refusal writes nothing
  comm.barrier();
  put(path / "fields/000001.h5", "x");
  put(path / "fields/000002.h5.tmp", "half");
  for (const char* series : {"slices/a", "marginals/x_y", "marginals"}) {
    put(path / series / "000001.h5", "x");
    put(path / series / "000002.h5.tmp", "half");
  }
  put(path / "run.toml", "x");
  put(path / "notes.txt", "mine");
  put(path / "notes/mine.tmp", "mine");
  EXPECT_NE(message<InputError>([&] { RunFolder(comm, path, Existing::refuse); }).find("--overwrite"),
            std::string::npos);
  comm.barrier();
  { const RunFolder run(comm, path, Existing::resume); }
  comm.barrier();
  EXPECT_TRUE(fs::exists(path / "fields/000001.h5"));
  EXPECT_FALSE(fs::exists(path / "fields/000002.h5.tmp"));
  for (const char* series : {"slices/a", "marginals/x_y", "marginals"}) {
    EXPECT_TRUE(fs::exists(path / series / "000001.h5")) << series;
    EXPECT_FALSE(fs::exists(path / series / "000002.h5.tmp")) << series;
  }
  EXPECT_TRUE(fs::exists(path / "notes/mine.tmp"));
  comm.barrier();
  { const RunFolder run(comm, path, Existing::overwrite); }
  comm.barrier();
  for (const char* gone : {"fields", "slices", "marginals"}) EXPECT_FALSE(fs::exists(path / gone)) << gone;
  EXPECT_FALSE(fs::exists(path / "run.toml"));
  EXPECT_TRUE(fs::exists(path / "notes.txt"));
}

TEST(RunFolder, AFileOrAFolderThatCannotBeMade) {
  const Communicator comm;
  const test::TemporaryFolder folder;
  put(folder / "file", "x");
  EXPECT_NE(message<InputError>([&] { RunFolder(comm, folder / "file", Existing::overwrite); }).find("is no folder"),
            std::string::npos);
  EXPECT_NE(message<FileError>([&] { RunFolder(comm, folder / "file/run", Existing::refuse); }).find("file/run"),
            std::string::npos);
  EXPECT_NE(message<FileError>([&] { RunFolder(comm, "/proc/kolmo", Existing::refuse); }).find("/proc/kolmo"),
            std::string::npos);
  const std::string endless(4096, 'a');
  EXPECT_THROW(RunFolder(comm, folder / endless, Existing::refuse), FileError);
}

TEST(RunFolder, SecondRunIsRefusedWhileTheFirstLives) {
  const Communicator comm;
  const test::TemporaryFolder folder;
  const fs::path path = folder / "run";
  {
    const RunFolder first(comm, path, Existing::refuse);
    const std::string second = message<FileError>([&] { RunFolder(comm, path, Existing::refuse); });
    EXPECT_NE(second.find("another run is at work"), std::string::npos) << second;
    EXPECT_NE(second.find("process"), std::string::npos) << second;
    EXPECT_TRUE(fs::exists(path / ".lock"));
    comm.barrier();
  }
  EXPECT_NO_THROW(RunFolder(comm, path, Existing::refuse));
}

TEST(RunFolder, LockOfADeadProcessDoesNotCount) {
  const Communicator comm;
  const test::TemporaryFolder folder;
  put(folder / "run/.lock", "process 1 on nowhere");
  EXPECT_NO_THROW(RunFolder(comm, folder / "run", Existing::refuse));
}

TEST(RunFolder, IsLockedBeforeItIsDecidedWhatBecomesOfIt) {
  const Communicator comm;
  const test::TemporaryFolder folder;
  const fs::path path = folder / "run";
  put(path / "run.toml", "old");
  put(path / "checkpoint/000001.h5.tmp", "half");
  RunFolder first(comm, path, Existing::undecided);
  EXPECT_NE(message<FileError>([&] { RunFolder(comm, path, Existing::undecided); }).find("another run is at work"),
            std::string::npos);
  EXPECT_TRUE(fs::exists(path / "run.toml") && fs::exists(path / "checkpoint/000001.h5.tmp"));
  EXPECT_THROW(first.decide(Existing::refuse), InputError);
  comm.barrier();
  first.decide(Existing::resume);
  EXPECT_TRUE(fs::exists(path / "run.toml") && !fs::exists(path / "checkpoint/000001.h5.tmp"));
  comm.barrier();
  first.decide(Existing::overwrite);
  EXPECT_FALSE(fs::exists(path / "run.toml"));
}

TEST(RunFolder, IsNoLongerOursWhenItWasReplaced) {
  const Communicator comm;
  const test::TemporaryFolder folder;
  const fs::path path = folder / "run";
  {
    const RunFolder run(comm, path, Existing::refuse);
    EXPECT_NO_THROW(run.check());
    comm.barrier();
    if (comm.root()) fs::rename(path, folder / "away");
    comm.barrier();
    EXPECT_NE(message<FileError>([&] { run.check(); }).find("no longer"), std::string::npos);
    put(path / ".lock", "process 1 on nowhere");
    EXPECT_THROW(run.check(), FileError);
  }
  comm.barrier();
  EXPECT_TRUE(fs::exists(path / ".lock"));  // another's
}

TEST(RunFolder, ALockThatLeadsNowhereIsNoReasonToHang) {
  const Communicator comm;
  const test::TemporaryFolder folder;
  if (comm.root()) fs::create_symlink("/nonexistent/lock", folder / ".lock");
  comm.barrier();
  EXPECT_NE(message<FileError>([&] { RunFolder(comm, folder.path(), Existing::refuse); }).find("/.lock'"),
            std::string::npos);
}

TEST(Files, AtomicTextReplacesOrLeaves) {
  const Communicator comm;
  const test::TemporaryFolder folder;
  if (comm.root()) {
    write_text_atomically(folder / "t", "one");
    write_text_atomically(folder / "t", "two");
    EXPECT_EQ(read_text_file(folder / "t"), "two");
    const fs::path temporary = folder / fmt::format("t.{}.tmp", ::getpid());
    EXPECT_FALSE(fs::exists(temporary));
    EXPECT_EQ(
        message<FileError>([&] { write_text_atomically("/dev/full/x", "x"); }).rfind("cannot write '/dev/full/x'", 0),
        0u);
    // The temporary name leads to a device that is always full.
    fs::create_symlink("/dev/full", temporary);
    EXPECT_NE(message<FileError>([&] { write_text_atomically(folder / "t", "three"); }).find("No space left"),
              std::string::npos);
    EXPECT_EQ(read_text_file(folder / "t"), "two");
    EXPECT_FALSE(fs::is_symlink(temporary));
  }
}

TEST(Files, StepNames) {
  EXPECT_EQ(step_file_name(100), "000100.h5");
  EXPECT_EQ(step_file_name(12345678), "12345678.h5");
  EXPECT_EQ(step_of("a/000100.h5"), 100);
  EXPECT_EQ(step_of("12345678.h5"), 12345678);
  for (const char* name : {"grid.h5", "000100.h5.tmp", "00010.h5", "-00100.h5", "latest", "9999999999999999999999.h5"})
    EXPECT_EQ(step_of(name), -1) << name;
}

TEST(Summary, KeepsOrderTypesAndNesting) {
  const Communicator comm;
  const test::TemporaryFolder folder;
  Tree tree;
  tree["status"] = "done";
  tree["exit_code"] = 0;
  tree["steady"] = true;
  tree["solves"]["pressure"]["mean_iterations"] = 1.5;
  tree["solves"]["momentum"]["count"] = std::int64_t{1} << 40;
  tree["bad"] = std::numeric_limits<double>::quiet_NaN();
  tree["list"] = std::vector<double>{1.0, 0.5};
  tree["status"] = "stopped";
  if (comm.root()) write_json(folder / "summary.json", tree);
  comm.barrier();
  const std::string text = read_text_file(folder / "summary.json");
  EXPECT_LT(text.find("status"), text.find("exit_code"));
  EXPECT_LT(text.find("pressure"), text.find("momentum"));
  EXPECT_NE(text.find("\"bad\": null"), std::string::npos);
  const Tree back = read_json(folder / "summary.json");
  EXPECT_EQ(back.at("status").text(), "stopped");
  EXPECT_EQ(back.at("solves").at("pressure").at("mean_iterations").number(), 1.5);
  EXPECT_EQ(back.at("solves").at("momentum").at("count").number(), std::ldexp(1.0, 40));
  EXPECT_FALSE(back.has("lost"));
  EXPECT_THROW((void)back.at("lost"), FileError);
  EXPECT_EQ(back.json(), text);
  put(folder / "broken.json", "{\"a\": ");
  EXPECT_THROW((void)read_json(folder / "broken.json"), FileError);
}

}  // namespace
}  // namespace kolmo::io
