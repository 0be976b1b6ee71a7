#include "kolmo/base/error.hpp"
#include "kolmo/linear/tensor.hpp"
#include "preconditioners.hpp"

namespace kolmo {

namespace {

template <int Dim>
class TensorInverse final : public Inverse {
 public:
  explicit TensorInverse(const MatrixFree<Dim>& system)
      : system_(system), solver_(system.unknowns(), *system.separable()) {}
  void apply(const double* b, double* q) override { solver_.solve(b, q); }
  void update() override { solver_.set_shift(system_.separable()->shift, system_.separable()->scale); }
  std::string description() const override { return solver_.description(); }

 private:
  const MatrixFree<Dim>& system_;
  TensorSolver<Dim> solver_;
};

}  // namespace

template <int Dim>
std::unique_ptr<Inverse> make_tensor_inverse(const MatrixFree<Dim>& system) {
  if (!system.separable())
    throw InputError(
        "preconditioner tensor needs a separable operator, and this one has variable coefficients (use boxmg, hypre or "
        "gamg)");
  return std::make_unique<TensorInverse<Dim>>(system);
}

template std::unique_ptr<Inverse> make_tensor_inverse(const MatrixFree<1>&);
template std::unique_ptr<Inverse> make_tensor_inverse(const MatrixFree<2>&);
template std::unique_ptr<Inverse> make_tensor_inverse(const MatrixFree<3>&);
template std::unique_ptr<Inverse> make_tensor_inverse(const MatrixFree<4>&);
template std::unique_ptr<Inverse> make_tensor_inverse(const MatrixFree<5>&);
template std::unique_ptr<Inverse> make_tensor_inverse(const MatrixFree<6>&);

}  // namespace kolmo
