#include "kolmo/io/table.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "io/temporary_folder.hpp"
#include "kolmo/base/error.hpp"
#include "kolmo/io/files.hpp"

namespace kolmo::io {
namespace {

void put(const std::filesystem::path& path, const std::string& text) {
  const Communicator comm;
  if (comm.root()) std::ofstream(path, std::ios::binary) << text;
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

const std::vector<Column> columns{{"step", ""}, {"time", "s"}, {"energy", "J/kg"}};

TEST(TableWriter, RowsReadBackToTheSameDoubles) {
  const Communicator comm;
  const test::TemporaryFolder folder;
  TableWriter table(comm, folder / "d.csv", columns, TableWriter::Start::fresh);
  const std::vector<std::vector<double>> rows{{0, 0.0, 1.0 / 3.0}, {10, 0.1, 1e-300}, {1234567890, 1e22, -0.1}};
  for (const auto& row : rows) table.row(row);
  comm.barrier();
  const Table back = Table::read(folder / "d.csv");  // while it is still open: every row is flushed
  EXPECT_EQ(back.columns(), columns);
  ASSERT_EQ(back.rows(), 3u);
  for (std::size_t c = 0; c < 3; ++c)
    for (std::size_t r = 0; r < 3; ++r) EXPECT_EQ(back.numbers(c)[r], rows[r][c]);
  EXPECT_EQ(read_text_file(folder / "d.csv").substr(0, 41), "step,time [s],energy [J/kg]\n0,0,0.3333333");
}

TEST(TableWriter, AppendsAfterCuttingBack) {
  const Communicator comm;
  const test::TemporaryFolder folder;
  const auto path = folder / "d.csv";
  {
    TableWriter table(comm, path, columns, TableWriter::Start::fresh);
    for (int step = 0; step <= 50; step += 10) table.row(std::vector<double>{double(step), 0.1 * step, 1.0});
  }
  put(path, read_text_file(path) + "60,6,1.23");  // a crash cut this one short
  cut_back_table(comm, path, "step", 30);
  {
    TableWriter table(comm, path, columns, TableWriter::Start::append);
    table.row(std::vector<double>{40, 4.0, 2.0});
  }
  comm.barrier();
  const Table back = Table::read(path);
  EXPECT_EQ(back.numbers("step"), (std::vector<double>{0, 10, 20, 30, 40}));
  EXPECT_EQ(back.numbers("energy").back(), 2.0);
  cut_back_table(comm, path, "time", 0.999);
  EXPECT_EQ(Table::read(path).rows(), 1u);
  EXPECT_NO_THROW(cut_back_table(comm, folder / "lost.csv", "step", 1));
  EXPECT_THROW(cut_back_table(comm, path, "stop", 1), RestartError);
}

TEST(TableWriter, RefusesToAppendToOtherColumns) {
  const Communicator comm;
  const test::TemporaryFolder folder;
  put(folder / "d.csv", "step,time [s]\n0,0\n");
  EXPECT_THROW(TableWriter(comm, folder / "d.csv", columns, TableWriter::Start::append), RestartError);
}

TEST(TableWriter, FullDiskIsAnErrorOnEveryRank) {
  const Communicator comm;
  EXPECT_NE(message<FileError>([&] {
              TableWriter table(comm, "/dev/full", columns, TableWriter::Start::fresh);
              table.row(std::vector<double>{1, 2, 3});
            }).find("/dev/full': No space left"),
            std::string::npos);
}

TEST(Table, ReadsCommentsQuotesBlanksAndLineEnds) {
  const test::TemporaryFolder folder;
  put(folder / "r.csv",
      "\xEF\xBB\xBF# from a paper\r\n\r\n y , \"u, mean\" [m/s],source\r\n0.5,+1e-3,\"a \"\"b\"\", c\"\n # "
      "more\n1,-2,d");
  const Table table = Table::read(folder / "r.csv");
  EXPECT_EQ(table.columns(), (std::vector<Column>{{"y", ""}, {"u, mean", "m/s"}, {"source", ""}}));
  EXPECT_EQ(table.numbers("y"), (std::vector<double>{0.5, 1.0}));
  EXPECT_EQ(table.numbers(1), (std::vector<double>{1e-3, -2.0}));
  EXPECT_EQ(table.texts("source"), (std::vector<std::string>{"a \"b\", c", "d"}));
  EXPECT_TRUE(table.has("y"));
  EXPECT_FALSE(table.has("x"));
}

TEST(Table, ErrorsNameFileLineAndColumn) {
  const test::TemporaryFolder folder;
  put(folder / "r.csv", "y,u\n0,1\n# skipped\n0.5,fast\n");
  put(folder / "short.csv", "y,u\n0\n");
  put(folder / "nan.csv", "y,u\n0,nan\n");
  put(folder / "empty.csv", "# nothing\n");
  const Table table = Table::read(folder / "r.csv");
  EXPECT_NE(message<InputError>([&] { (void)table.numbers("u"); }).find("r.csv:4: 'fast' in column 'u'"),
            std::string::npos);
  EXPECT_NE(message<InputError>([&] { (void)table.numbers("v"); }).find("no column 'v' (there are y, u)"),
            std::string::npos);
  EXPECT_NE(message<InputError>([&] { (void)Table::read(folder / "short.csv"); }).find("short.csv:2: 1 cells"),
            std::string::npos);
  EXPECT_THROW((void)Table::read(folder / "nan.csv").numbers("u"), InputError);
  EXPECT_THROW((void)Table::read(folder / "empty.csv"), InputError);
  EXPECT_NE(message<FileError>([&] { (void)Table::read(folder / "lost.csv"); }).find("No such file"),
            std::string::npos);
  EXPECT_THROW((void)Table::read(folder.path()), FileError);
}

TEST(Table, WholeTableAtOnce) {
  const Communicator comm;
  const test::TemporaryFolder folder;
  if (comm.root()) write_table(folder / "w.csv", {{"x", "m"}, {"u", "m/s"}}, {{0.0, 1.0}, {0.25, 0.1}});
  comm.barrier();
  EXPECT_EQ(read_text_file(folder / "w.csv"), "x [m],u [m/s]\n0,0.25\n1,0.1\n");
  EXPECT_EQ(message<FileError>([&] {
              write_table(folder / "no/w.csv", {{"x", ""}}, {{0.0}});
            }).find("cannot write"),
            0u);
}

}  // namespace
}  // namespace kolmo::io
