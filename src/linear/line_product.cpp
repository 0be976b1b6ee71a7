#include "kolmo/linear/line_product.hpp"

#include "dense_product.hpp"

namespace kolmo {

static_assert(LineProduct::panel == DenseProduct::panel);

struct LineProduct::Products {
  explicit Products(int n)
      : along(n, n, true, [](int, int) { return 0.0; }), across(n, n, false, [](int, int) { return 0.0; }) {}
  DenseProduct along, across;
};

LineProduct::LineProduct(int n) : n_(n), products_(std::make_unique<Products>(n)) {}
LineProduct::~LineProduct() = default;
LineProduct::LineProduct(LineProduct&&) noexcept = default;
LineProduct& LineProduct::operator=(LineProduct&&) noexcept = default;

void LineProduct::assign(const double* matrix) {
  products_->along.assign(matrix, true);
  products_->across.assign(matrix, false);
}

void LineProduct::along(std::ptrdiff_t count, const double* in, std::ptrdiff_t step_in, double* out,
                        std::ptrdiff_t step_out) const {
  products_->along.lines(count, in, step_in, out, step_out);
}

void LineProduct::across(int width, const double* in, double* out, std::ptrdiff_t step_out) const {
  products_->across.rows(width, in, out, step_out);
}

}  // namespace kolmo
