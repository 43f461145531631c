# What find_package(sqlane) finds.
include(CMakePackageConfigHelpers)

set(package_folder "${CMAKE_INSTALL_LIBDIR}/cmake/sqlane")

install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/sqlane" "${PROJECT_SOURCE_DIR}/include/plm" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
    FILES_MATCHING PATTERN "*.hpp")
install(TARGETS sqlane plm EXPORT sqlane
    ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
    LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
    RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}"
    INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(EXPORT sqlane NAMESPACE sqlane:: FILE sqlaneTargets.cmake DESTINATION "${package_folder}")

configure_package_config_file(
    "${PROJECT_SOURCE_DIR}/cmake/sqlaneConfig.cmake.in" "${PROJECT_BINARY_DIR}/sqlaneConfig.cmake"
    INSTALL_DESTINATION "${package_folder}")
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/sqlaneConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(
    FILES "${PROJECT_BINARY_DIR}/sqlaneConfig.cmake" "${PROJECT_BINARY_DIR}/sqlaneConfigVersion.cmake"
        "${PROJECT_SOURCE_DIR}/cmake/sqlane_embed_migrations.cmake" "${PROJECT_SOURCE_DIR}/cmake/embed_migrations.cmake"
    DESTINATION "${package_folder}")
