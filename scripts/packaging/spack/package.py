# In a repository of your own (spack repo create), as packages/kolmo/package.py: spack install kolmo
from spack.package import *


class Kolmo(CMakePackage):
    """Distributed solver for the Navier-Stokes and Fokker-Planck equations on tensor-product grids: MPI, PETSc, HDF5."""

    license("Apache-2.0")

    # No release is published: spack develop, or spack install from the folder of the sources.
    version("develop")

    variant("tests", default=False, description="Build the tests")
    variant("native", default=False, description="Compile for the machine at hand (-march=native)")

    depends_on("c", type="build")
    depends_on("cxx", type="build")
    depends_on("cmake@3.25:", type="build")
    depends_on("ninja", type="build")
    depends_on("pkgconfig", type="build")
    depends_on("mpi")
    depends_on("petsc@3.18:+mpi~complex+double")
    depends_on("hdf5@1.10:+mpi+hl")
    depends_on("fftw@3:")
    depends_on("blas")
    depends_on("lapack")
    depends_on("eigen@3.4:")
    depends_on("tomlplusplus@3.3:")
    depends_on("cli11@2:")
    depends_on("fmt@9:")
    depends_on("muparser@2.3:")
    depends_on("random123")
    depends_on("nlohmann-json@3.11:")
    depends_on("googletest@1.12:", when="+tests")
    depends_on("pugixml@1.13:", when="+tests")

    generator("ninja")
    conflicts("%gcc@:11", msg="C++20 as of GCC 12 is needed")
    conflicts("%clang@:15", msg="C++20 as of Clang 16 is needed")

    def cmake_args(self):
        return [
            self.define_from_variant("KOLMO_TESTS", "tests"),
            self.define("KOLMO_ARCH", "native" if self.spec.satisfies("+native") else ""),
        ]

    @run_after("install")
    @on_package_attributes(run_tests=True)
    def check_install(self):
        kolmo = Executable(self.prefix.bin.kolmo)
        kolmo("check", join_path(self.prefix.share, "kolmo", "cases", "couette", "case.toml"))
