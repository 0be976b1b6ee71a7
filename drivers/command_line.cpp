// The only file that sees CLI11: its headers are slow to compile.
#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <CLI/CLI.hpp>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "commands.hpp"
#include "kolmo/base/error.hpp"
#include "kolmo/base/schema.hpp"
#include "wall_limit.hpp"

namespace kolmo::drivers {

namespace {

bool is_number(const std::string& text) {
  double value = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size();
}

/// A single dash and a letter: PETSc's. Kolmo's own options have two dashes; -h alone asks for help.
bool is_petsc_option(const std::string& word) {
  return word.size() > 1 && word[0] == '-' && std::isalpha(static_cast<unsigned char>(word[1])) && word != "-h";
}

/// A word that follows a PETSc option is its value, unless it is an option or a case file.
bool is_petsc_value(const std::string& word) {
  return !word.empty() && (word[0] != '-' || is_number(word)) && !word.ends_with(".toml");
}

/// Takes PETSc's pairs off before CLI11 could mistake their values for the case.
std::vector<std::string> take_petsc_options(std::vector<std::string>& words) {
  std::vector<std::string> petsc, own;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const bool value_of_own = i > 0 && (words[i - 1] == "--set" || words[i - 1] == "--output");
    if (!is_petsc_option(words[i]) || value_of_own) {
      own.push_back(words[i]);
      continue;
    }
    petsc.push_back(words[i]);
    if (i + 1 < words.size() && is_petsc_value(words[i + 1])) petsc.push_back(words[++i]);
  }
  words = own;
  return petsc;
}

/// PETSc itself would abort with a trace.
void check_options_file(const std::vector<std::string>& petsc) {
  for (std::size_t i = 0; i < petsc.size(); ++i) {
    if (petsc[i] != "-options_file") continue;
    const std::string path = i + 1 < petsc.size() ? petsc[i + 1] : "";
    if (path.empty() || is_petsc_option(path)) throw InputError("-options_file: the name of a file is missing");
    std::error_code ignored;
    errno = 0;
    const bool readable = !std::filesystem::is_directory(path, ignored) && std::ifstream(path).good();
    if (!readable)
      throw InputError(
          fmt::format("-options_file: cannot read '{}': {}", path, std::strerror(errno == 0 ? EISDIR : errno)));
  }
}

double seconds_of(const std::string& option, const std::string& text) {
  if (const auto seconds = seconds_of_duration(text)) return *seconds;
  throw InputError(fmt::format("{}: expected a time such as 90s, 30m, 2h or 1:30:00 (given \"{}\")", option, text));
}

struct Texts {
  std::string wall_limit, watchdog;
};

/// What `run` and `restart` have in common.
void add_watch_options(CLI::App& app, Texts& texts) {
  app.add_option("--wall-limit", texts.wall_limit,
                 "Stop with a checkpoint before the program is this old: 90s, 30m, 2h, 1:30:00. In a SLURM job the end "
                 "of the job where left out; none: no limit")
      ->type_name("TIME");
  app.add_option("--watchdog", texts.watchdog, "End the run where no step ends for this long: a rank hangs")
      ->type_name("TIME");
}

void add_run_options(CLI::App& app, CommandLine& line, Texts& texts) {
  app.add_option("--output", line.run.output, "Folder of the results")->type_name("DIR");
  app.add_flag("--overwrite", line.run.overwrite, "Replace the run that is in the folder");
  app.add_option("--set", line.run.overrides, "Change a key: --set fluid.density=1.2 (nothing behind = removes it)")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--restart", line.run.restart,
                 "Go on from a checkpoint: auto (the newest valid one, if any) or a path")
      ->type_name("auto|PATH");
  add_watch_options(app, texts);
}

void add_commands(CLI::App& app, CommandLine& line, Texts& texts) {
  auto* run = app.add_subcommand("run", "Run a case");
  run->add_option("CASE", line.run.case_path, "Case file (.toml)")->required();
  add_run_options(*run, line, texts);

  auto* check = app.add_subcommand("check", "Check a case and say what it would take; starts nothing");
  check->add_option("CASE", line.run.case_path, "Case file (.toml)")->required();
  add_run_options(*check, line, texts);
  check->add_flag("--elsewhere", line.run.elsewhere,
                  "The run will be on other machines: their ranks, memory and disks are not judged");

  auto* restart = app.add_subcommand("restart", "Go on from the newest valid checkpoint of a run");
  restart->add_option("DIR", line.folder, "Folder of the run")->required();
  restart->add_option("--set", line.run.overrides, "Change a key, such as time.end")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  add_watch_options(*restart, texts);

  app.add_subcommand("new", "Print a shipped case as a template; without a name, list them")
      ->add_option("NAME", line.name, "Name of the case");

  auto* keys = app.add_subcommand("keys", "Print every key of a case: type, unit, range, default, meaning");
  keys->add_option("KIND", line.name, "Kind of case");
  keys->add_flag("--markdown", line.markdown, "As docs/input.md");

  app.add_subcommand("status", "Say where a run stands")
      ->add_option("DIR", line.folder, "Folder of the run")
      ->required();
  app.add_subcommand("xdmf", "Write fields.xdmf anew from the files in DIR/fields")
      ->add_option("DIR", line.folder, "Folder of the run")
      ->required();
  for (CLI::App* sub : app.get_subcommands({})) {
    sub->set_help_flag("--help,-h", "Print this help");
    sub->allow_extras();
  }
}

/// What CLI11 could not place: a misspelt option, or a word too many.
void refuse_leftovers(const CLI::App& app, const CLI::App* command) {
  std::vector<std::string> known{"--help", "--version"};
  if (command) {
    known = {"--help"};
    for (const CLI::Option* option : command->get_options())
      for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
  }
  const std::vector<std::string> left = app.remaining(true);
  if (left.empty()) return;
  const std::string word = left.front().substr(0, left.front().find('='));
  const std::string where = command ? "kolmo " + command->get_name() : "kolmo";
  if (word.starts_with("-")) {
    const std::string near = nearest_name(word, known);
    throw InputError(
        fmt::format("{}: unknown option {} ({})", where, word,
                    near.empty() ? fmt::format("see {} --help", where) : fmt::format("did you mean {}?", near)));
  }
  if (!command) {
    std::vector<std::string> names;
    for (const CLI::App* sub : app.get_subcommands({})) names.push_back(sub->get_name());
    const std::string near = nearest_name(word, names);
    throw InputError(fmt::format(
        "kolmo: unknown command {} ({})", word,
        near.empty() ? fmt::format("known: {}", fmt::join(names, ", ")) : fmt::format("did you mean {}?", near)));
  }
  throw InputError(fmt::format("{}: unexpected {} (one argument is taken)", where, word));
}

constexpr const char* about =
    "Kolmo: incompressible flow in two and three dimensions, and probability densities in one to six, on many "
    "processes.\n"
    "Run it alone or under mpirun. Options with one dash go to PETSc: -log_view, -pressure_ksp_monitor, "
    "-pressure_pc_type hypre ...\n"
    "Exit codes: 0 done, 2 bad input, 3 numerics, 4 files, 5 restart refused, 85 stopped on request with a checkpoint.";

}  // namespace

CommandLine parse_command_line(int argc, char** argv) {
  CommandLine line;
  Texts texts;
  std::vector<std::string> words(argv + 1, argv + argc);
  line.petsc = take_petsc_options(words);
  check_options_file(line.petsc);

  CLI::App app(about, "kolmo");
  app.set_help_flag("--help,-h", "Print this help");
  bool version = false;
  app.add_flag("--version", version, "Print the versions of Kolmo and of what it uses");
  app.allow_extras();
  add_commands(app, line, texts);
  const auto chosen = [&]() -> CLI::App* {
    const auto subs = app.get_subcommands();
    return subs.empty() ? nullptr : subs.front();
  };
  try {
    std::vector<std::string> reversed(words.rbegin(), words.rend());
    app.parse(reversed);
  } catch (const CLI::CallForHelp&) {
    line.command = "help";
    line.help = app.help();
    return line;
  } catch (const CLI::ParseError& error) {
    refuse_leftovers(app, chosen());
    throw InputError(
        fmt::format("kolmo{}{}: {}", chosen() ? " " : "", chosen() ? chosen()->get_name() : "", error.what()));
  }
  refuse_leftovers(app, chosen());
  if (version) {
    line.command = "version";
  } else if (const CLI::App* command = chosen()) {
    line.command = command->get_name();
  } else {
    line.command = "help";
    line.help = app.help();
  }
  line.run.ask_scheduler = texts.wall_limit.empty();
  if (!texts.wall_limit.empty() && texts.wall_limit != "none")
    line.run.wall_limit = seconds_of("--wall-limit", texts.wall_limit);
  if (!texts.watchdog.empty()) line.run.watchdog = seconds_of("--watchdog", texts.watchdog);
  return line;
}

}  // namespace kolmo::drivers
