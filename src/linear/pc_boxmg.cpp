#include "kolmo/base/error.hpp"
#include "kolmo/linear/multigrid.hpp"
#include "preconditioners.hpp"

namespace kolmo {

namespace {

template <int Dim>
class BoxmgInverse final : public Inverse {
 public:
  explicit BoxmgInverse(const MatrixFree<Dim>& system) : system_(system), multigrid_(make(system)) {}
  void apply(const double* b, double* q) override { multigrid_.apply(b, q); }
  void update() override {
    if (system_.stored_faces())
      multigrid_.set_conductances(*system_.stored_faces());
    else
      multigrid_.set_conductances(system_.faces());
  }
  std::string description() const override { return multigrid_.description(); }

 private:
  // A conditional expression would copy the faces that are stored.
  static Multigrid<Dim> make(const MatrixFree<Dim>& system) {
    if (system.stored_faces()) return Multigrid<Dim>(system.unknowns(), *system.stored_faces());
    return Multigrid<Dim>(system.unknowns(), system.faces());
  }
  const MatrixFree<Dim>& system_;
  Multigrid<Dim> multigrid_;
};

}  // namespace

template <int Dim>
std::unique_ptr<Inverse> make_boxmg_inverse(const MatrixFree<Dim>& system) {
  if constexpr (Dim <= 3)
    return std::make_unique<BoxmgInverse<Dim>>(system);
  else
    throw InputError("preconditioner boxmg works in one to three dimensions (use jacobi, hypre or gamg)");
}

template std::unique_ptr<Inverse> make_boxmg_inverse(const MatrixFree<1>&);
template std::unique_ptr<Inverse> make_boxmg_inverse(const MatrixFree<2>&);
template std::unique_ptr<Inverse> make_boxmg_inverse(const MatrixFree<3>&);
template std::unique_ptr<Inverse> make_boxmg_inverse(const MatrixFree<4>&);
template std::unique_ptr<Inverse> make_boxmg_inverse(const MatrixFree<5>&);
template std::unique_ptr<Inverse> make_boxmg_inverse(const MatrixFree<6>&);

}  // namespace kolmo
