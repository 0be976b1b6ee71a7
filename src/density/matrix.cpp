#include "implicit_solver.hpp"

namespace kolmo::density {

template <int Dim>
petsc::Handle<Mat> make_matrix(const Generator<Dim>& generator) {
  const int row = 2 * Dim + 1 + (generator.cross_terms().active() ? 2 * Dim * (Dim - 1) : 0);
  petsc::Handle<Mat> matrix =
      transport::detail::start_matrix(generator.volumes().comm(), generator.volumes().box().size(), row);
  petsc::check(MatSetOption(matrix, MAT_NEW_NONZERO_ALLOCATION_ERR, PETSC_FALSE));
  return matrix;
}

template <int Dim>
void fill_matrix(const Generator<Dim>& generator, const transport::Numbering<Dim>& number, double shift, double scale,
                 Mat matrix) {
  const transport::ControlVolumes<Dim>& v = generator.volumes();
  const CrossTerms<Dim>& cross = generator.cross_terms();
  petsc::check(MatZeroEntries(matrix));
  // The cell itself, its neighbours, and for every pair of directions up to three links at each of four edges.
  std::array<PetscInt, 1 + 2 * Dim + 6 * Dim*(Dim - 1)> columns;
  std::array<double, columns.size()> values;
  int count = 0;
  auto add = [&](PetscInt column, double value) {
    columns[count] = column;
    values[count++] = value;
  };
  auto number_of = [&](const Index<Dim>& local) { return number(transport::detail::neighbour<Dim>(v, local, 0, 0)); };
  transport::for_each_row_of(generator.linear_flux(), [&](const transport::Row<Dim>& row) {
    count = 0;
    add(number_of(row.index), shift - scale * (row.diagonal - (cross.active() ? cross.diagonal(row.index) : 0.0)));
    for (int d = 0; d < Dim; ++d)
      for (const int by : {-1, 1}) {
        const transport::ControlLine& line = v.line(d);
        const int at = row.index[d];
        if (line.at_boundary(by < 0 ? Side::low : Side::high) && at == (by < 0 ? line.begin() : line.end() - 1))
          continue;
        add(number(transport::detail::neighbour<Dim>(v, row.index, d, by)),
            -scale * (by < 0 ? row.low[d] : row.high[d]));
      }
    cross.for_each_entry(row.index, [&](const Index<Dim>& neighbour, double entry) {
      Index<Dim> wrapped = neighbour;  // back into the range of the whole grid
      for (int d = 0; d < Dim; ++d) {
        const int n = v.global_line(d).last(), origin = v.line(d).origin();
        wrapped[d] = (neighbour[d] + origin + n) % n - origin;
      }
      add(number_of(wrapped), -scale * entry);
    });
    transport::detail::add_values(matrix, columns[0], count, columns.data(), values.data());
  });
  transport::detail::finish_matrix(matrix);
}

#define KOLMO_INSTANTIATE(Dim)                                    \
  template petsc::Handle<Mat> make_matrix(const Generator<Dim>&); \
  template void fill_matrix(const Generator<Dim>&, const transport::Numbering<Dim>&, double, double, Mat);
KOLMO_INSTANTIATE(1)
KOLMO_INSTANTIATE(2)
KOLMO_INSTANTIATE(3)
KOLMO_INSTANTIATE(4)
KOLMO_INSTANTIATE(5)
KOLMO_INSTANTIATE(6)
#undef KOLMO_INSTANTIATE

}  // namespace kolmo::density
