# cmake --install build --prefix PREFIX: the program, its scripts and cases, headers and libraries, find_package(Kolmo); cpack: a .deb.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

get_property(rooms GLOBAL PROPERTY KOLMO_ROOMS)
install(TARGETS ${rooms} kolmo_flags kolmo_blas EXPORT KolmoTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS kolmo RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/kolmo DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/Kolmo)
install(EXPORT KolmoTargets NAMESPACE kolmo:: DESTINATION ${package})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/KolmoConfig.cmake.in ${PROJECT_BINARY_DIR}/KolmoConfig.cmake
                              INSTALL_DESTINATION ${package})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/KolmoConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/KolmoConfig.cmake ${PROJECT_BINARY_DIR}/KolmoConfigVersion.cmake
              ${CMAKE_CURRENT_LIST_DIR}/KolmoPackages.cmake DESTINATION ${package})

# kolmo finds its cases in PREFIX/share/kolmo, kolmo-submit its programs beside itself.
install(DIRECTORY ${PROJECT_SOURCE_DIR}/cases DESTINATION ${CMAKE_INSTALL_DATADIR}/kolmo)
install(PROGRAMS ${PROJECT_SOURCE_DIR}/scripts/slurm/kolmo-submit ${PROJECT_SOURCE_DIR}/scripts/slurm/kolmo-job
        DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/scripts/slurm ${PROJECT_SOURCE_DIR}/scripts/paraview DESTINATION ${CMAKE_INSTALL_DATADIR}/kolmo
        FILES_MATCHING PATTERN *.sbatch PATTERN *.py PATTERN __pycache__ EXCLUDE)
install(PROGRAMS ${PROJECT_SOURCE_DIR}/scripts/plot.py DESTINATION ${CMAKE_INSTALL_DATADIR}/kolmo)
install(FILES ${PROJECT_SOURCE_DIR}/README.md ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/CITATION.cff
        DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/doc/kolmo)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/docs DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/doc/kolmo)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME kolmo)
set(CPACK_PACKAGE_VENDOR "The Kolmo developers")
set(CPACK_PACKAGE_CONTACT "The Kolmo developers <kolmo@localhost>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "openmpi-bin")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS
    "petsc-dev, libhdf5-openmpi-dev, libfftw3-dev, libfmt-dev, libmuparser-dev, libtomlplusplus-dev, nlohmann-json3-dev, python3-h5py, python3-matplotlib, slurm-client, python3-paraview")
include(CPack)
