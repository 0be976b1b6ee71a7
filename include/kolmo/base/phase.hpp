/// Where the time goes: named phases, seen by -log_view and summed for summary.json.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "kolmo/base/petsc.hpp"

namespace kolmo {

/// A named phase. Constructing one with a name that exists shares its sum. Make them once (a static or a member), not
/// in a step.
class Phase {
 public:
  explicit Phase(const std::string& name);
  /// Counts the time until it goes out of scope. Phases may nest; inner time counts for both.
  class Scope {
   public:
    explicit Scope(const Phase& phase);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    const Phase& phase_;
    double begin_;
  };
  /// Wall seconds of every phase on this rank, in the order they were first named.
  static std::vector<std::pair<std::string, double>> seconds();

 private:
  std::size_t index_;
  petsc::Event event_;
};

}  // namespace kolmo
