/// The flows that are timed: shipped cases with the grid of the benchmark.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kolmo/flow/model.hpp"

namespace kolmo::bench {

struct FlowCase {
  std::string name;                  ///< of the benchmark
  std::string folder;                ///< under cases/
  std::vector<std::string> changes;  ///< as of --set

  /// The settings with a scheme ("k4", "rk3"). Collective.
  flow::Settings settings(const std::string& scheme) const {
    std::vector<std::string> all = changes;
    all.push_back("time.scheme=\"" + scheme + "\"");
    return flow::read_settings(
        CaseFile::read(Communicator(), KOLMO_SOURCE_DIR "/cases/" + folder + "/case.toml", all, {&flow::schema()}));
  }
};

namespace detail {

inline std::vector<std::string> cube(int n) {
  std::vector<std::string> all;
  for (const char* axis : {"x", "y", "z"}) all.push_back("grid." + std::string(axis) + ".cells=" + std::to_string(n));
  return all;
}

// A box in motion: no cell is at rest, and none holds the tiny numbers that diffuse ahead of an impulsive lid.
inline std::vector<std::string> cavity(int n) {
  std::vector<std::string> all = cube(n);
  all.insert(all.end(), {"time.steady_tolerance=", "initial.name=\"expression\"",
                         "initial.velocity=[\"sin(pi*x)^2*(3*y^2-2*y)*(0.5+sin(pi*z)^2)\", "
                         "\"-pi*sin(2*pi*x)*(y^3-y^2)*(0.5+sin(pi*z)^2)\", \"0\"]"});
  return all;
}

}  // namespace detail

/// n: cells along the longest direction of each (128 in the tables).
inline std::vector<FlowCase> flow_cases(int n = 128) {
  const std::string all = std::to_string(n), half = std::to_string(n / 2);
  std::vector<FlowCase> cases;
  cases.push_back({"taylor_green_" + all, "taylor_green_3d", detail::cube(n)});
  FlowCase cavity{"cavity_" + all, "cavity3d", detail::cavity(n)};
  for (const char* axis : {"x", "y", "z"}) {
    cavity.changes.push_back("grid." + std::string(axis) + ".spacing=\"uniform\"");
    cavity.changes.push_back("grid." + std::string(axis) + ".strength=");
  }
  cases.push_back(cavity);
  cases.push_back(
      {"channel_" + all, "channel", {"grid.x.cells=" + all, "grid.y.cells=" + half, "grid.z.cells=" + all}});
  FlowCase clustered{"cavity_clustered_" + half, "cavity3d", detail::cavity(n / 2)};
  for (const char* axis : {"x", "y", "z"}) clustered.changes.push_back("grid." + std::string(axis) + ".strength=1.5");
  cases.push_back(clustered);
  return cases;
}

}  // namespace kolmo::bench
