#include "wall_limit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>

namespace kolmo::drivers {

namespace {

/// A finite number >= 0 and nothing else.
std::optional<double> number_of(const std::string& text) {
  double value = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return {};
  if (!std::isfinite(value) || std::signbit(value)) return {};
  return value;
}

/// h:mm:ss, mm:ss or more parts, each a sixtieth of the one before.
std::optional<double> clock_seconds(const std::string& text) {
  double total = 0.0;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(':', begin), text.size());
    const auto part = number_of(text.substr(begin, end - begin));
    if (!part) return {};
    total = total * 60.0 + *part;
    begin = end + 1;
  }
  return total;
}

std::optional<double> any_seconds(const std::string& text) {
  if (text.find(':') != std::string::npos) {
    const std::size_t dash = text.find('-');
    if (dash == std::string::npos) return clock_seconds(text);
    const auto days = number_of(text.substr(0, dash)), rest = clock_seconds(text.substr(dash + 1));
    if (!days || !rest) return {};
    return 86400.0 * *days + *rest;
  }
  constexpr std::array seconds{1.0, 60.0, 3600.0, 86400.0};
  const std::size_t unit = text.empty() ? std::string::npos : std::string("smhd").find(text.back());
  if (unit == std::string::npos) return number_of(text);
  const auto count = number_of(text.substr(0, text.size() - 1));
  if (!count) return {};
  return *count * seconds[unit];
}

/// The first line a command prints; empty where it fails.
std::string first_line(const std::string& command) {
  std::FILE* pipe = ::popen(command.c_str(), "re");
  if (pipe == nullptr) return "";
  std::array<char, 256> buffer{};
  const bool read = std::fgets(buffer.data(), buffer.size(), pipe) != nullptr;
  (void)::pclose(pipe);
  std::string line = read ? buffer.data() : "";
  while (!line.empty() && std::isspace(static_cast<unsigned char>(line.back()))) line.pop_back();
  line.erase(0, std::min(line.find_first_not_of(" \t"), line.size()));
  return line;
}

}  // namespace

std::optional<double> seconds_of_duration(const std::string& text) {
  const auto seconds = any_seconds(text);
  if (!seconds || !std::isfinite(*seconds) || *seconds <= 0.0) return {};
  return seconds;
}

std::optional<double> seconds_left_of_job() {
  const char* job = std::getenv("SLURM_JOB_ID");
  if (job == nullptr) return {};
  if (const char* end = std::getenv("SLURM_JOB_END_TIME")) {
    const auto moment = number_of(end);
    const double left = moment ? *moment - static_cast<double>(std::time(nullptr)) : 0.0;
    if (left > 0.0) return left;  // else it is that of another job, or the job was prolonged
  }
  const std::string id = job;
  if (id.empty() || id.find_first_not_of("0123456789") != std::string::npos) return {};
  // A scheduler that does not answer must not hold up the run.
  return seconds_of_duration(first_line(fmt::format("timeout 10 squeue -h -j {} -o %L 2>/dev/null", id)));
}

}  // namespace kolmo::drivers
