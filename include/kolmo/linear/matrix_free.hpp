/// The product, the diagonal and the assembled form of the operators of this room.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "kolmo/base/petsc.hpp"
#include "kolmo/grid/halo.hpp"
#include "kolmo/linear/operators.hpp"

namespace kolmo {

/// An approximate or exact inverse, as a preconditioner applies it.
class Inverse {
 public:
  virtual ~Inverse() = default;
  /// q := M^-1 b, packed over the owned box; in place is allowed.
  virtual void apply(const double* b, double* q) = 0;
  /// The operator it was made from has new coefficients.
  virtual void update() = 0;
  virtual std::string description() const = 0;
};

/// An operator as PETSc's callbacks see it, without its dimension.
class System {
 public:
  virtual ~System() = default;
  virtual std::int64_t local_size() const = 0;
  virtual MPI_Comm comm() const = 0;
  /// aq := A q, packed; matrix-free, ghosts exchanged inside.
  virtual void apply(const double* q, double* aq) = 0;
  /// The same; returns this rank's part of q . A q.
  virtual double apply_dot(const double* q, double* aq) = 0;
  virtual void diagonal(double* values) const = 0;
  /// Throws InputError if the operator is not separable.
  virtual std::unique_ptr<Inverse> tensor() const = 0;
  /// Throws InputError beyond three dimensions.
  virtual std::unique_ptr<Inverse> boxmg() const = 0;
};

template <int Dim>
class MatrixFree final : public System {
 public:
  MatrixFree(const Decomposition<Dim>& unknowns, SeparableOperator<Dim> op);
  MatrixFree(const Decomposition<Dim>& unknowns, FaceConductances<Dim> op);

  void set(double shift, double scale);
  void set(const FaceConductances<Dim>& op);
  const Decomposition<Dim>& unknowns() const { return unknowns_; }
  const SeparableOperator<Dim>* separable() const { return separable_ ? &*separable_ : nullptr; }
  /// Null for a separable operator.
  const FaceConductances<Dim>* stored_faces() const { return separable_ ? nullptr : &faces_; }
  /// A separable operator is converted.
  FaceConductances<Dim> faces() const;
  bool singular() const { return singular_; }

  std::int64_t local_size() const override { return unknowns_.local_size(); }
  MPI_Comm comm() const override { return unknowns_.comm().handle(); }
  void apply(const double* q, double* aq) override { (void)apply_dot(q, aq); }
  double apply_dot(const double* q, double* aq) override;
  void diagonal(double* values) const override;
  std::unique_ptr<Inverse> tensor() const override;
  std::unique_ptr<Inverse> boxmg() const override;

  /// As PETSc's AIJ. Unknowns are numbered rank by rank, x fastest within each box. `pinned`: one diagonal entry is
  /// doubled, which makes a singular operator definite and leaves the solutions for solvable right-hand sides as they
  /// are.
  petsc::Handle<Mat> assemble(bool pinned = false) const;
  /// The same into a matrix made by `assemble`.
  void fill(Mat matrix, bool pinned) const;

 private:
  void check_sizes() const;
  void prepare();
  void add_rows(Mat matrix, const Field<Dim>& numbers, std::int64_t begin, bool pinned) const;
  struct Neighbours;
  Neighbours neighbours(const double* q, const Index<Dim>& row) const;
  void fill_edges(const double* q);
  double apply_separable(const double* q, double* aq) const;
  template <bool Shift>
  double apply_faces(const double* q, double* aq) const;

  Decomposition<Dim> unknowns_;
  std::optional<SeparableOperator<Dim>> separable_;
  FaceConductances<Dim> faces_;
  bool singular_ = false;
  Layout<Dim> layout_;
  // Of the product only the cells beside cuts, and the ghosts; where nothing is cut or periodic there is no field, and
  // a row of zeros stands for what lies beyond the boundary. Made by the first product: direct solvers take none.
  Field<Dim> field_;
  std::vector<double> zeros_;
  std::optional<Halo<Dim>> halo_;
};

}  // namespace kolmo
