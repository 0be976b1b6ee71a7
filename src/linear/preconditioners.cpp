#include "preconditioners.hpp"

#include <fmt/format.h>
#include <petsc/private/pcimpl.h>

#include "kolmo/base/error.hpp"

namespace kolmo {

namespace {

using Maker = std::unique_ptr<Inverse> (System::*)() const;

/// Behind pc->data.
struct Own {
  Maker make;
  std::unique_ptr<Inverse> inverse;
};

Own& own(PC pc) { return *static_cast<Own*>(pc->data); }

PetscErrorCode set_up(PC pc) {
  return petsc::guarded([&] {
    PetscBool shell = PETSC_FALSE;
    petsc::check(PetscObjectTypeCompare(reinterpret_cast<PetscObject>(pc->mat), MATSHELL, &shell));
    System* system = nullptr;
    if (shell) petsc::check(MatShellGetContext(pc->mat, &system));
    if (!system)
      throw InputError(fmt::format("preconditioner {} works on Kolmo's own operators only, not inside another one",
                                   reinterpret_cast<PetscObject>(pc)->type_name));
    if (own(pc).inverse)
      own(pc).inverse->update();
    else
      own(pc).inverse = (system->*own(pc).make)();
  });
}

PetscErrorCode apply(PC pc, Vec b, Vec q) {
  return petsc::guarded([&] {
    const PetscScalar* from = nullptr;
    PetscScalar* to = nullptr;
    petsc::check(VecGetArrayRead(b, &from));
    petsc::check(VecGetArrayWrite(q, &to));
    own(pc).inverse->apply(from, to);
    petsc::check(VecRestoreArrayWrite(q, &to));
    petsc::check(VecRestoreArrayRead(b, &from));
  });
}

PetscErrorCode reset(PC pc) {
  if (pc->data) own(pc).inverse.reset();
  return 0;
}

PetscErrorCode destroy(PC pc) {
  delete static_cast<Own*>(pc->data);
  pc->data = nullptr;
  return 0;
}

PetscErrorCode view(PC pc, PetscViewer viewer) {
  return petsc::guarded([&] {
    const std::string text = preconditioner_description(pc);
    petsc::check(PetscViewerASCIIPrintf(viewer, "  %s\n", text.empty() ? "not set up" : text.c_str()));
  });
}

PetscErrorCode create(PC pc, Maker make) {
  return petsc::guarded([&] {
    pc->data = new Own{make, nullptr};
    pc->ops->setup = set_up;
    pc->ops->apply = apply;
    pc->ops->applytranspose = apply;  // all our inverses are symmetric
    pc->ops->reset = reset;
    pc->ops->destroy = destroy;
    pc->ops->view = view;
  });
}

PetscErrorCode create_tensor(PC pc) { return create(pc, &System::tensor); }
PetscErrorCode create_boxmg(PC pc) { return create(pc, &System::boxmg); }

}  // namespace

void register_preconditioners() {
  // PETSc forgets registrations in PetscFinalize and replaces an equal name, so asking every time is right and cheap.
  petsc::check(PCRegister("tensor", create_tensor));
  petsc::check(PCRegister("boxmg", create_boxmg));
  register_fused_cg();
}

void mark_changed(Mat matrix) { petsc::check(PetscObjectStateIncrease(reinterpret_cast<PetscObject>(matrix))); }

std::string preconditioner_description(PC pc) {
  if (pc->ops->setup != set_up || !pc->data || !own(pc).inverse) return "";
  return own(pc).inverse->description();
}

}  // namespace kolmo
