// The PC and KSP types of our own.
#pragma once

#include "kolmo/linear/matrix_free.hpp"

namespace kolmo {

/// Makes `tensor`, `boxmg` and `fusedcg` known to PETSc; any number of calls.
void register_preconditioners();

/// The KSP type of `ksp_fused_cg.cpp`, for Kolmo's own operators.
constexpr const char* fused_cg = "fusedcg";
void register_fused_cg();
/// Gives fusedcg the null space of a matrix (null: none) without PETSc's knowledge: KSPSolve would take it out of a
/// copy of b that it makes for every solve. For preconditioners whose answers have no mean.
void tell_null_space(Mat matrix, MatNullSpace constant);

/// What a PC of our types says of itself, "" for other types.
std::string preconditioner_description(PC pc);

/// Tells the PCs set up on this matrix that it has new coefficients.
void mark_changed(Mat matrix);

template <int Dim>
std::unique_ptr<Inverse> make_tensor_inverse(const MatrixFree<Dim>& system);
template <int Dim>
std::unique_ptr<Inverse> make_boxmg_inverse(const MatrixFree<Dim>& system);

}  // namespace kolmo
