#include "describe.hpp"

namespace kolmo::drivers {

std::string describe_axis(const AxisSpec& spec, const std::string& name) {
  const Axis axis(spec);
  const std::string widths =
      axis.uniform() ? fmt::format("uniform, width {:.4g}", axis.min_width())
                     : fmt::format("stretched, widths {:.4g} .. {:.4g}", axis.min_width(), axis.max_width());
  return fmt::format("  {}: {} cells from {:.6g} to {:.6g}, {}{}", name, axis.cells(), axis.from(), axis.to(), widths,
                     axis.periodic() ? ", periodic" : "");
}

}  // namespace kolmo::drivers
