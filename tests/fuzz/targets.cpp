#include "targets.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "../../src/io/digest.hpp"
#include "kolmo/base/error.hpp"
#include "kolmo/density/settings.hpp"
#include "kolmo/flow/settings.hpp"
#include "kolmo/io/checkpoint.hpp"

namespace kolmo::fuzz {

namespace fs = std::filesystem;

namespace {

/// What `kolmo check` does with it before it prints.
void check_case(const CaseFile& file) {
  const Communicator self(MPI_COMM_SELF);
  if (file.kind() == "flow") {
    flow::check_resources(file, flow::read_settings(file), self);
  } else {
    (void)density::check_problem(file, density::read_settings(file), self);
  }
}

void expect_one_line(const std::string& message, Fail fail) {
  if (message.find('\n') != std::string::npos) fail("more than one line: " + message);
}

}  // namespace

bool read_case(const std::string& text, Fail fail) {
  const std::vector<const Schema*> schemas{&flow::schema(), &density::schema()};
  try {
    std::vector<std::string> overrides;
    std::string rest = text;
    if (rest.starts_with("--set ")) {
      const std::size_t end = rest.find('\n');
      overrides.push_back(rest.substr(6, end == std::string::npos ? end : end - 6));
      rest.erase(0, end == std::string::npos ? end : end + 1);
    }
    const CaseFile file = CaseFile::parse(rest, "case.toml", overrides, schemas);
    check_case(file);
    (void)CaseFile::parse(file.effective(), "run.toml", {}, schemas);  // what was valid stays it
    return true;
  } catch (const InputError& error) {
    expect_one_line(error.what(), fail);
  } catch (const std::exception& error) {
    fail(fmt::format("not an InputError: {}", error.what()));
  }
  return false;
}

void write_bytes(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

void write_sealed(const fs::path& path, std::string bytes) {
  bytes.resize(bytes.size() - std::min(bytes.size(), seal_bytes));
  write_bytes(path, bytes);
  const std::uint64_t length = bytes.size();
  const std::uint64_t sum = io::file_sum(Communicator(MPI_COMM_SELF), path, length);
  bytes += "KOLMOSL2";
  bytes.append(reinterpret_cast<const char*>(&length), 8).append(reinterpret_cast<const char*>(&sum), 8);
  write_bytes(path, bytes);
}

bool read_checkpoint(const fs::path& path, Fail fail) {
  const Communicator self(MPI_COMM_SELF);
  try {
    const auto reader = io::CheckpointReader::open(self, path, "abc");
    const Decomposition<2> plane(self, {16, 12}, {}, {1, 1});
    const Decomposition<1> line(self, {40}, {}, {1});
    std::vector<double> packed(static_cast<std::size_t>(plane.local_size()));
    for (const char* name : {"pressure", "u"})
      if (reader.has(name)) reader.field<2>(name, plane, packed.data());
    if (reader.has("density")) reader.field<1>("density", line, packed.data());
    (void)reader.number("dt");
    (void)reader.text("kind");
    (void)reader.numbers("sums");
    return true;
  } catch (const RestartError& error) {
    expect_one_line(error.what(), fail);
  } catch (const std::exception& error) {
    fail(fmt::format("not a RestartError: {}", error.what()));
  }
  return false;
}

void write_checkpoints(const fs::path& folder) {
  const Communicator self(MPI_COMM_SELF);
  const Decomposition<2> plane(self, {16, 12}, {}, {1, 1});
  const Decomposition<1> line(self, {40}, {}, {1});
  const std::vector<double> values(static_cast<std::size_t>(plane.local_size()), 0.125);
  for (const int step : {7, 8}) {
    io::CheckpointWriter writer(self, folder, {step, 0.5, "abc"});
    writer.text("kind", step == 7 ? "flow" : "density");
    writer.number("dt", 0.25);
    if (step == 7) {
      writer.field<2>("pressure", plane, values.data());
      writer.field<2>("u", plane, values.data());
    } else {
      writer.field<1>("density", line, values.data());
    }
    writer.numbers("sums", {1.0, 2.0});
    writer.commit();
  }
}

Area::Area() {
  std::error_code none;
  const fs::path memory = "/dev/shm";
  const fs::path above = ::access(memory.c_str(), W_OK) == 0 ? memory : fs::temp_directory_path();
  folder = above / fmt::format("kolmo-fuzz-{}", ::getpid());
  fs::create_directories(folder, none);
}

Area::~Area() {
  std::error_code ignored;
  fs::remove_all(folder, ignored);
}

}  // namespace kolmo::fuzz
