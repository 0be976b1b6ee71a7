/// A case file (TOML): read, checked against its schema, and asked for values by dotted path.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kolmo/base/error.hpp"
#include "kolmo/base/expression.hpp"
#include "kolmo/base/parallel.hpp"
#include "kolmo/base/schema.hpp"

namespace kolmo {

/// What a key of type tensor holds: one expression (depth 0), a list (1), or a matrix row by row (2).
struct ExpressionTensor {
  int depth = 0, rows = 1, columns = 1;  ///< a list of n entries has n rows and 1 column
  std::vector<Expression> entries;
};

/// Values of one case. Paths are dotted, entries of arrays of tables numbered from 0: "output.lines[0].name". Every
/// error is an InputError of one line, `file:line:column: key: reason (nearest name, or allowed range and value)`.
class CaseFile {
 public:
  /// Reads on rank 0, broadcasts the bytes and parses on every rank, so that all ranks throw the same. overrides are
  /// the
  /// `--set` texts "a.b.c=value" (a TOML value; what is none is taken as text; nothing at all removes the key). The
  /// schema is the one whose kind is the file's case.kind. Unknown, missing, duplicate, mistyped and out-of-range keys
  /// throw InputError.
  static CaseFile read(const Communicator& comm, const std::string& path, const std::vector<std::string>& overrides,
                       const std::vector<const Schema*>& schemas);
  /// The same from text in memory, without communication; `name` stands where the file's name would.
  static CaseFile parse(const std::string& text, const std::string& name, const std::vector<std::string>& overrides,
                        const std::vector<const Schema*>& schemas);

  const std::string& name() const;  ///< the path as given
  const std::string& kind() const;  ///< case.kind
  const std::string& text() const;  ///< the bytes of the file
  const Schema& schema() const;
  Communicator communicator() const;                        ///< of `read`; MPI_COMM_SELF of `parse`
  const std::map<std::string, double>& parameters() const;  ///< the schema's table of named numbers

  /// Whether the key or table is given (by the file or an override), whatever the schema's default.
  bool has(const std::string& path) const;
  /// Number of entries of a list or array of tables; 0 where it is not given.
  int size(const std::string& path) const;
  /// Names in a table in the order of the file; empty where it is not given.
  std::vector<std::string> names(const std::string& path) const;

  /// Values, the schema's default where the key is not given; without a default a missing key is an InputError.
  double number(const std::string& path) const;
  std::int64_t integer(const std::string& path) const;
  bool flag(const std::string& path) const;
  std::string text(const std::string& path) const;
  /// Absolute path of a file: as given if absolute, else against the folder of the case file.
  std::string file_path(const std::string& path) const;
  std::vector<double> numbers(const std::string& path) const;
  std::vector<std::int64_t> integers(const std::string& path) const;
  std::vector<std::string> texts(const std::string& path) const;
  Expression expression(const std::string& path,
                        const Expression::Variables& variables = Expression::default_variables()) const;
  std::vector<Expression> expressions(const std::string& path,
                                      const Expression::Variables& variables = Expression::default_variables()) const;
  std::vector<std::vector<double>> number_rows(const std::string& path) const;
  std::vector<std::vector<std::string>> text_rows(const std::string& path) const;
  ExpressionTensor tensor(const std::string& path,
                          const Expression::Variables& variables = Expression::default_variables()) const;

  /// An InputError with the place of that key (of the nearest table above it where it is not given).
  InputError error_at(const std::string& path, const std::string& reason) const;

  /// TOML text of every effective key, given or by default; facts of the run go into a table [run], which reading
  /// ignores.
  std::string effective(const std::vector<std::pair<std::string, std::string>>& run_facts = {}) const;

 private:
  struct Content;
  explicit CaseFile(std::shared_ptr<const Content> content) : content_(std::move(content)) {}
  std::shared_ptr<const Content> content_;
};

}  // namespace kolmo
