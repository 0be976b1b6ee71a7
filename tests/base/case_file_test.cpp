#include "kolmo/base/case_file.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

using namespace kolmo;

namespace {

Key key(const std::string& path, ValueType type, std::optional<std::string> fallback = {}) {
  Key made;
  made.path = path;
  made.type = type;
  made.fallback = std::move(fallback);
  return made;
}

/// A schema with one key of each type.
const Schema& schema() {
  static const Schema made = [] {
    Schema s;
    s.kind = "test";
    s.parameters_table = "parameters";
    s.sets["FACE"] = {"low", "high", "default"};
    s.keys = {key("case", ValueType::table),
              key("case.kind", ValueType::text),
              key("parameters.NAME", ValueType::number),
              key("fluid.density", ValueType::number, "1.0"),
              key("fluid.viscosity", ValueType::expression),
              key("fluid.force", ValueType::expressions),
              key("fluid.gravity", ValueType::numbers, "[0.0, -9.81]"),
              key("solver.method", ValueType::text, "\"auto\""),
              key("solver.iterations", ValueType::integer, "50"),
              key("solver.verbose", ValueType::flag, "false"),
              key("wall", ValueType::table),
              key("wall.FACE.type", ValueType::text),
              key("wall.FACE.value", ValueType::expression),
              key("scalars.NAME.diffusivity", ValueType::number),
              key("output.lines[].name", ValueType::text),
              key("output.lines[].points", ValueType::integer, "10"),
              key("output.file", ValueType::path),
              key("run.NAME", ValueType::any),
              key("shape", ValueType::text),
              key("shape.radius", ValueType::number),
              key("law.NAME.mean", ValueType::numbers),
              key("law.sizes", ValueType::integers),
              key("law.covariance", ValueType::number_rows),
              key("law.noise", ValueType::tensor),
              key("output.marginals", ValueType::text_rows, "[]")};
    s.keys[0].required = s.keys[1].required = true;
    s.keys[3].range = Range::positive();
    s.keys[4].range = Range::at_least(0);
    s.keys[6].length = 2;
    s.keys[7].choices = {"auto", "tensor", "boxmg"};
    s.keys[8].range = Range::closed(1, 100);
    s.keys[11].required = true;
    s.keys[14].required = true;
    return s;
  }();
  return made;
}

const Schema& other_schema() {
  static const Schema made = [] {
    Schema s;
    s.kind = "other";
    s.keys = {key("case.kind", ValueType::text), key("problem.drift", ValueType::expression)};
    return s;
  }();
  return made;
}

CaseFile parse(const std::string& body, const std::vector<std::string>& overrides = {}) {
  return CaseFile::parse("[case]\nkind = \"test\"\n" + body, "a.toml", overrides, {&schema(), &other_schema()});
}

/// The message of the InputError that a whole file gives; fails if it gives none.
std::string error_of_file(const std::string& text, const std::vector<std::string>& overrides = {}) {
  try {
    (void)CaseFile::parse(text, "a.toml", overrides, {&schema(), &other_schema()});
  } catch (const InputError& error) {
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    return error.what();
  }
  ADD_FAILURE() << "accepted: " << text;
  return {};
}

std::string error_of(const std::string& body, const std::vector<std::string>& overrides = {}) {
  return error_of_file("[case]\nkind = \"test\"\n" + body, overrides);
}

}  // namespace

TEST(CaseFile, ReadsEveryType) {
  const CaseFile file = parse(
      "[parameters]\nnu = 0.5\nRe = \"1/nu\"\n[fluid]\ndensity = \"2*Re\"\nviscosity = \"nu*(1 + x)\"\nforce = [1, "
      "\"t\"]\n"
      "[solver]\nmethod = \"tensor\"\niterations = 1e1\nverbose = true\n[wall]\nlow = { type = \"a\", value = 3 }\n"
      "[scalars.heat]\ndiffusivity = 1\n[output]\nlines = [{ name = \"l\" }, { name = \"m\", points = 5 }]\nfile = "
      "\"b.csv\"\n");
  EXPECT_EQ(file.kind(), "test");
  EXPECT_EQ(file.parameters().at("Re"), 2.0);
  EXPECT_EQ(file.number("fluid.density"), 4.0);
  EXPECT_EQ(file.expression("fluid.viscosity")(1, 0, 0, 0), 1.0);
  EXPECT_EQ(file.expressions("fluid.force").at(1)(0, 0, 0, 7), 7.0);
  EXPECT_EQ(file.numbers("fluid.gravity"), (std::vector<double>{0.0, -9.81}));
  EXPECT_EQ(file.text("solver.method"), "tensor");
  EXPECT_EQ(file.integer("solver.iterations"), 10);
  EXPECT_TRUE(file.flag("solver.verbose"));
  EXPECT_EQ(file.expression("wall.low.value").value(), 3.0);
  EXPECT_EQ(file.names("scalars"), std::vector<std::string>{"heat"});
  EXPECT_EQ(file.size("output.lines"), 2);
  EXPECT_EQ(file.text("output.lines[1].name"), "m");
  EXPECT_EQ(file.integer("output.lines[0].points"), 10);
  EXPECT_EQ(file.integer("output.lines[1].points"), 5);
  EXPECT_EQ(file.file_path("output.file"), (std::filesystem::current_path() / "b.csv").string());
}

TEST(CaseFile, DefaultsStandWhereNothingIsGiven) {
  const CaseFile file = parse("");
  EXPECT_EQ(file.number("fluid.density"), 1.0);
  EXPECT_EQ(file.integer("solver.iterations"), 50);
  EXPECT_FALSE(file.has("fluid.density"));
  EXPECT_EQ(file.size("output.lines"), 0);
  EXPECT_THROW((void)file.expression("fluid.viscosity"), InputError);
}

TEST(CaseFile, NamesTheNearestKey) {
  EXPECT_EQ(error_of("[fluid]\n  viscosty = 1\n"),
            "a.toml:4:3: fluid.viscosty: unknown key (did you mean fluid.viscosity?)");
  EXPECT_EQ(error_of("[flud]\ndensity = 1\n"), "a.toml:3:2: flud: unknown key (did you mean fluid?)");
  EXPECT_NE(error_of("[wall]\nlwo = { type = \"a\" }\n").find("did you mean wall.low?"), std::string::npos);
  EXPECT_NE(error_of("[solver]\ndensity = 1\n").find("did you mean fluid.density?"), std::string::npos);
  EXPECT_NE(error_of("[problem]\ndrift = 1\n").find("kind \"other\""), std::string::npos);
  EXPECT_NE(error_of("[fluid]\n\"fluid.density\" = 1\n").find("unknown key"), std::string::npos);
}

TEST(CaseFile, RefusesWrongValues) {
  EXPECT_EQ(error_of("[fluid]\ndensity = -1\n"), "a.toml:4:11: fluid.density: must be > 0 (given -1)");
  EXPECT_NE(error_of("[fluid]\ndensity = nan\n").find("must be finite"), std::string::npos);
  EXPECT_NE(error_of("[fluid]\ndensity = inf\n").find("must be finite"), std::string::npos);
  EXPECT_NE(error_of("[fluid]\ndensity = true\n").find("expected number (given true)"), std::string::npos);
  EXPECT_NE(error_of("[fluid]\ndensity = \"fast\"\n").find("unknown name \"fast\""), std::string::npos);
  EXPECT_NE(error_of("[fluid]\ndensity = \"1/0\"\n").find("not a finite number"), std::string::npos);
  EXPECT_NE(error_of("[fluid]\ndensity = 1979-05-27\n").find("given a date"), std::string::npos);
  EXPECT_NE(error_of("[fluid]\nviscosity = -1\n").find("must be >= 0"), std::string::npos);
  EXPECT_NE(error_of("[fluid]\nforce = 1\n").find("expected list"), std::string::npos);
  EXPECT_NE(error_of("[fluid]\ngravity = [1]\n").find("expected 2 entries (given 1)"), std::string::npos);
  EXPECT_NE(error_of("[solver]\niterations = 1.5\n").find("whole number"), std::string::npos);
  EXPECT_NE(error_of("[solver]\niterations = 101\n").find("1 <= value <= 100 (given 101)"), std::string::npos);
  EXPECT_NE(error_of("[solver]\nverbose = 1\n").find("true or false"), std::string::npos);
  EXPECT_NE(error_of("[solver]\nmethod = \"tenser\"\n").find("did you mean \"tensor\"?"), std::string::npos);
  EXPECT_NE(error_of("fluid = 1\n").find("case.fluid"), std::string::npos);
  EXPECT_NE(error_of("[wall]\nlow = 3\n").find("expected a table"), std::string::npos);
  EXPECT_NE(error_of("[output]\nlines = 3\n").find("expected a list of tables"), std::string::npos);
  EXPECT_NE(error_of("[output]\nlines = [1]\n").find("output.lines[0]: expected a table"), std::string::npos);
}

TEST(CaseFile, RefusesWhatIsMissingOrTwice) {
  EXPECT_EQ(error_of_file(""), "a.toml:1:1: case.kind: missing key (text: \"test\", \"other\")");
  EXPECT_NE(error_of_file("[case]\nkind = \"tset\"\n").find("did you mean \"test\"?"), std::string::npos);
  EXPECT_NE(error_of("[wall]\nlow = { value = 1 }\n").find("wall.low.type: missing key"), std::string::npos);
  EXPECT_NE(error_of("[output]\nlines = [{ points = 3 }]\n").find("output.lines[0].name: missing key"),
            std::string::npos);
  EXPECT_EQ(error_of("[fluid]\ndensity = 1\ndensity = 2\n"), "a.toml:5:1: fluid.density: given twice");
  EXPECT_NE(error_of("[fluid]\n[fluid]\n").find("fluid: given twice"), std::string::npos);
  EXPECT_NE(error_of("[wall]\nlow.type = \"a\"\nlow = { type = \"b\" }\n").find("given twice"), std::string::npos);
}

TEST(CaseFile, ReportsSyntaxWithItsPlace) {
  EXPECT_EQ(error_of("[fluid\ndensity = 1\n").find("a.toml:3:"), 0u);
  EXPECT_EQ(error_of("[fluid]\ndensity = [1, 2\n").find("a.toml:"), 0u);
  EXPECT_EQ(error_of_file(std::string("\0\1\2\xff\xfe", 5)).find("a.toml:1:"), 0u);
}

TEST(CaseFile, OtherScriptsStandInQuotesAndComments) {
  const CaseFile file = parse(
      "# \xc3\xa4\n[solver]\nverbose = true # \xc3\xa4 \"\n[wall]\n"
      "low = { type = \"\xc3\xa4 \\\" # '\" }\nhigh = { type = '\xc3\xa4 \"' }\n"
      "default = { type = \"\"\"a\xc3\xa4 \\\n  b\"\"\" }\n");
  EXPECT_EQ(file.text("wall.low.type"), "\xc3\xa4 \" # '");
  EXPECT_EQ(file.text("wall.default.type"), "a\xc3\xa4 b");
  EXPECT_EQ(error_of("[\xc3\xa4]\n").find("a.toml:3:2: TOML syntax: a character"), 0u);
  EXPECT_EQ(error_of("a = \xc3\xa4\n").find("a.toml:3:5: TOML syntax: a character"), 0u);
  EXPECT_EQ(error_of("a = \"\"\"b \\\n \xc3\xa4\"\"\"\n").find("a.toml:4:2: TOML syntax: a character"), 0u);
  EXPECT_EQ(parse("", {"wall.low.type=\xc3\xa4"}).text("wall.low.type"), "\xc3\xa4");
  EXPECT_EQ(CaseFile::parse("\xEF\xBB\xBF[case]\nkind = \"test\"\n", "a.toml", {}, {&schema()}).kind(), "test");
}

TEST(CaseFile, RandomBytesEndInOneLine) {
  std::mt19937 random(7);
  const std::string seed =
      "[case]\nkind = \"test\"\n[fluid]\ndensity = 1.5\nforce = [\"sin(x)\", 2]\n[output]\nlines = [{ name = \"a\" "
      "}]\n";
  for (int trial = 0; trial < 5000; ++trial) {
    std::string text = seed;
    for (int change = 0; change < 4; ++change) text[random() % text.size()] = static_cast<char>(random() % 256);
    try {
      (void)CaseFile::parse(text, "a.toml", {}, {&schema()});
    } catch (const InputError& error) {
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
    }
  }
}

TEST(CaseFile, PlacesErrorsInsideExpressions) {
  const CaseFile file = parse("[fluid]\nviscosity = \"1 + foo\"\nforce = [\"0\", \"bar\"]\n");
  try {
    (void)file.expression("fluid.viscosity");
    FAIL();
  } catch (const InputError& error) {
    EXPECT_EQ(std::string(error.what()).find("a.toml:4:18: fluid.viscosity: unknown name \"foo\""), 0u) << error.what();
  }
  EXPECT_THROW((void)file.expressions("fluid.force"), InputError);
  const std::string placed = file.error_at("fluid.viscosity", "wrong").what();
  EXPECT_EQ(placed, "a.toml:4:13: fluid.viscosity: wrong");
  const std::string missing = file.error_at("fluid.absent", "wrong").what();
  EXPECT_EQ(missing, "a.toml:3:1: fluid.absent: wrong");
}

TEST(CaseFile, Parameters) {
  EXPECT_NE(error_of("[parameters]\na = \"b\"\nb = \"a\"\n").find("unknown name"), std::string::npos);
  EXPECT_NE(error_of("[parameters]\nx = 1\n").find("the name is taken"), std::string::npos);
  EXPECT_NE(error_of("[parameters]\na = nan\n").find("must be finite"), std::string::npos);
  EXPECT_NE(error_of("[parameters]\na = [1]\n").find("parameters.a"), std::string::npos);
  EXPECT_NE(error_of("parameters = 3\n[fluid]\n").find("unknown key"), std::string::npos);
}

TEST(CaseFile, OverridesComeBeforeTheFile) {
  const std::string body = "[fluid]\ndensity = 2\nviscosity = 1\n[output]\nlines = [{ name = \"a\" }]\n";
  const CaseFile file = parse(body, {"fluid.density=3", "solver.method=boxmg", "fluid.viscosity=2*x",
                                     "wall.low.type=\"w\"", "output.lines[0].name=b", "fluid.force=[\"t\", 1]"});
  EXPECT_EQ(file.number("fluid.density"), 3.0);
  EXPECT_EQ(file.text("solver.method"), "boxmg");
  EXPECT_EQ(file.expression("fluid.viscosity")(2, 0, 0, 0), 4.0);
  EXPECT_EQ(file.text("wall.low.type"), "w");
  EXPECT_EQ(file.text("output.lines[0].name"), "b");
  EXPECT_FALSE(parse(body, {"fluid.density="}).has("fluid.density"));
  EXPECT_EQ(error_of(body, {"fluid.density=-3"}), "--set fluid.density=-3: fluid.density: must be > 0 (given -3)");
  EXPECT_EQ(error_of(body, {"fluid.densty=3"}),
            "--set fluid.densty=3: fluid.densty: unknown key (did you mean fluid.density?)");
  EXPECT_NE(error_of(body, {"fluid"}).find("expected --set table.key=value"), std::string::npos);
  EXPECT_NE(error_of(body, {"=3"}).find("expected --set table.key=value"), std::string::npos);
  EXPECT_NE(error_of(body, {"fluid.density.x=3"}).find("is not in a table"), std::string::npos);
  EXPECT_NE(error_of(body, {"output.lines[4].name=b"}).find("no entry [4]"), std::string::npos);
}

TEST(CaseFile, EffectiveTextIsTheSameCase) {
  const CaseFile file = parse(
      "[parameters]\nnu = 0.5\n[fluid]\nviscosity = \"nu*x\"\n[wall]\nlow = { type = \"a \\\"quoted\\\"\", value = "
      "\"t\" }\n"
      "[output]\nlines = [{ name = \"l\" }, { name = \"m\", points = 5 }]\nfile = \"b.csv\"\n",
      {"fluid.density=0.1"});
  const std::string text = file.effective({{"version", "1"}, {"petsc_options", "-a b"}});
  const CaseFile again = CaseFile::parse(text, "run.toml", {}, {&schema()});
  EXPECT_EQ(again.number("fluid.density"), 0.1);
  EXPECT_TRUE(again.has("solver.iterations"));
  EXPECT_EQ(again.text("wall.low.type"), "a \"quoted\"");
  EXPECT_EQ(again.expression("fluid.viscosity")(2, 0, 0, 0), 1.0);
  EXPECT_EQ(again.integer("output.lines[0].points"), 10);
  EXPECT_EQ(again.file_path("output.file"), file.file_path("output.file"));
  EXPECT_EQ(again.effective({{"version", "1"}, {"petsc_options", "-a b"}}), text);
}

TEST(CaseFile, ReadsListsOfLists) {
  const auto read = [](const std::string& body) {
    return CaseFile::parse("[case]\nkind = \"test\"\n[parameters]\na = 2\n" + body, "a.toml", {}, {&schema()});
  };
  const CaseFile file = read(
      "[law]\ncovariance = [[1, \"a/4\"], [0.5, 2]]\nnoise = [[\"x\", 1, 0], [0, \"a*t\", 3]]\n"
      "sizes = [1]\nq = { mean = [1] }\n[output]\nmarginals = [[\"x\"], [\"x\", \"y\"]]\n");
  EXPECT_EQ(file.number_rows("law.covariance"), (std::vector<std::vector<double>>{{1, 0.5}, {0.5, 2}}));
  EXPECT_EQ(file.text_rows("output.marginals"), (std::vector<std::vector<std::string>>{{"x"}, {"x", "y"}}));
  EXPECT_EQ(file.numbers("law.q.mean"), std::vector<double>{1.0});
  EXPECT_EQ(file.integers("law.sizes"), std::vector<std::int64_t>{1});
  const ExpressionTensor matrix = file.tensor("law.noise");
  EXPECT_EQ(matrix.depth, 2);
  EXPECT_EQ(matrix.rows, 2);
  EXPECT_EQ(matrix.columns, 3);
  EXPECT_EQ(matrix.entries.at(4)(0, 0, 0, 5), 10.0);
  EXPECT_TRUE(read("").text_rows("output.marginals").empty());
  const ExpressionTensor list = read("[law]\nnoise = [1, \"x\"]\n").tensor("law.noise");
  EXPECT_EQ(list.depth, 1);
  EXPECT_EQ(list.rows, 2);
  EXPECT_EQ(list.columns, 1);
  EXPECT_EQ(read("[law]\nnoise = \"x+a\"\n").tensor("law.noise").entries.at(0)(1, 0, 0, 0), 3.0);
  const CaseFile again = CaseFile::parse(file.effective(), "b.toml", {}, {&schema()});
  EXPECT_EQ(again.effective(), file.effective());
  EXPECT_EQ(again.number_rows("law.covariance"), file.number_rows("law.covariance"));
  EXPECT_EQ(again.tensor("law.noise").entries.at(0).text(), "x");
  const auto message = [&](const std::string& body) -> std::string {
    try {
      (void)read(body);
    } catch (const InputError& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_EQ(message("[law]\nnoise = [[1, 2], [1]]\n"),
            "a.toml:6:18: law.noise: expected 2 entries as in the row above (given 1)");
  EXPECT_EQ(message("[law]\nnoise = [1, [1]]\n").find("a.toml:6:13: law.noise: expected number or expression"), 0u);
  EXPECT_EQ(message("[law]\nnoise = [[[1]]]\n").find("a.toml:6:11: law.noise: expected"), 0u);
  EXPECT_EQ(message("[law]\ncovariance = [1]\n").find("a.toml:6:15: law.covariance: expected list of lists"), 0u);
  EXPECT_EQ(message("[output]\nmarginals = [[1]]\n").find("a.toml:6:15: output.marginals: expected list of lists"), 0u);
}

TEST(CaseFile, AKeyMayBeATextOrATable) {
  const auto read = [](const std::string& body) {
    return CaseFile::parse("shape = " + body + "\n[case]\nkind = \"test\"\n", "a.toml", {}, {&schema()});
  };
  EXPECT_EQ(read("\"round\"").text("shape"), "round");
  const CaseFile table = read("{ radius = 2 }");
  EXPECT_EQ(table.number("shape.radius"), 2.0);
  EXPECT_EQ(CaseFile::parse(table.effective(), "b.toml", {}, {&schema()}).number("shape.radius"), 2.0);
}

TEST(CaseFile, ReadsOnRankZeroForAll) {
  const Communicator comm;
  std::string folder;
  if (comm.root()) {
    std::string pattern = (std::filesystem::temp_directory_path() / "kolmo_case_XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder = pattern;
    std::filesystem::create_directory(folder + "/ein Ordner mit Umlaut \xc3\xa4");
    std::ofstream(folder + "/ein Ordner mit Umlaut \xc3\xa4/f\xc3\xa4ll.toml")
        << "[case]\nkind = \"test\"\n[fluid]\ndensity = 7\n";
    std::ofstream(folder + "/empty.toml");
  }
  comm.broadcast(folder);
  const auto read = [&](const std::string& name) { return CaseFile::read(comm, folder + name, {}, {&schema()}); };
  EXPECT_EQ(read("/ein Ordner mit Umlaut \xc3\xa4/f\xc3\xa4ll.toml").number("fluid.density"), 7.0);
  const auto message = [&](const std::string& name) -> std::string {
    try {
      (void)read(name);
    } catch (const InputError& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_EQ(message("/missing.toml"), folder + "/missing.toml: cannot be opened: No such file or directory");
  EXPECT_EQ(message(""), folder + ": is a folder, not a case file");
  EXPECT_EQ(message("/empty.toml").find(folder + "/empty.toml:1:1: case.kind: missing"), 0u);
  EXPECT_EQ(message("/empty.toml"), message("/empty.toml"));
  comm.barrier();
  if (comm.root()) std::filesystem::remove_all(folder);
}

TEST(Schema, NearestName) {
  EXPECT_EQ(nearest_name("viscosty", {"density", "viscosity"}), "viscosity");
  EXPECT_EQ(nearest_name("dnesity", {"density", "viscosity"}), "density");
  EXPECT_EQ(nearest_name("abcdef", {"density", "viscosity"}), "");
  EXPECT_EQ(nearest_name("a", {}), "");
}

TEST(Schema, ListsEveryKeyOnce) {
  const std::string text = schema().markdown();
  for (const Key& each : schema().keys) EXPECT_NE(text.find("`" + each.path + "`"), std::string::npos) << each.path;
}
