# sqlane_embed_migrations(<target> DIR <folder> [NAME <name>])
#
# Builds the migrations of a folder into the target. NAME is by default <target>_migrations; the target can then
#
#     #include <name.hpp>
#     sqlane::migrate("parts.db", name());
#
# Adding, editing or deleting a .sql file changes what the next build embeds. A bad file fails the build: a small program
# made of the same files reads them with the same code that will read them in the application.

function(sqlane_embed_migrations target)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "DIR;NAME" "")
    if(NOT arg_DIR OR arg_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "sqlane_embed_migrations(<target> DIR <folder> [NAME <name>])")
    endif()
    get_filename_component(folder "${arg_DIR}" ABSOLUTE)
    if(NOT IS_DIRECTORY "${folder}")
        message(FATAL_ERROR "sqlane_embed_migrations: there is no folder ${folder}")
    endif()
    if(NOT arg_NAME)
        string(MAKE_C_IDENTIFIER "${target}_migrations" arg_NAME)
    endif()
    string(MAKE_C_IDENTIFIER "${arg_NAME}" name)
    if(NOT name STREQUAL arg_NAME)
        message(FATAL_ERROR "sqlane_embed_migrations: NAME ${arg_NAME} is no name of a C++ function")
    endif()

    # The files that stay the same are made here, so that an edited migration compiles one file and not all that include
    # the header.
    set(generated "${CMAKE_CURRENT_BINARY_DIR}/${name}")
    file(CONFIGURE OUTPUT "${generated}/${name}.hpp" @ONLY CONTENT "#pragma once

#include <sqlane/migrator.hpp>

/// The migrations that were embedded into this program.
const sqlane::MigrationSet& @name@();
")
    file(CONFIGURE OUTPUT "${generated}/check.cpp" @ONLY CONTENT "#include \"@name@.hpp\"

#include <cstdio>
#include <exception>

int main() {
    try {
        @name@();
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, \"error: %s\\n\", error.what());
        return 1;
    }
}
")

    set(script "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/embed_migrations.cmake")
    # CONFIGURE_DEPENDS finds files that come and go, the command's DEPENDS those that change.
    file(GLOB files LIST_DIRECTORIES false CONFIGURE_DEPENDS "${folder}/*.[sS][qQ][lL]")
    set(list "${generated}/files.txt")
    file(GENERATE OUTPUT "${list}" CONTENT "$<JOIN:${files},\n>\n")
    add_custom_command(OUTPUT "${generated}/${name}.cpp"
        COMMAND "${CMAKE_COMMAND}" "-DFOLDER=${folder}" "-DNAME=${name}" "-DOUTPUT=${generated}/${name}.cpp"
            -P "${script}"
        DEPENDS ${files} "${list}" "${script}"
        COMMENT "Embedding the migrations of ${target}"
        VERBATIM)

    add_library(${name}_objects OBJECT "${generated}/${name}.cpp" "${generated}/${name}.hpp")
    # The target may be a shared library.
    set_target_properties(${name}_objects PROPERTIES POSITION_INDEPENDENT_CODE ON)
    target_link_libraries(${name}_objects PRIVATE sqlane::sqlane)

    add_executable(${name}_check "${generated}/check.cpp" $<TARGET_OBJECTS:${name}_objects>)
    target_link_libraries(${name}_check PRIVATE sqlane::sqlane)
    set(stamp "${generated}/checked")
    if(CMAKE_CROSSCOMPILING AND NOT CMAKE_CROSSCOMPILING_EMULATOR)
        set(run_check "")
    else()
        set(run_check COMMAND ${name}_check)
    endif()
    add_custom_command(OUTPUT "${stamp}" ${run_check} COMMAND "${CMAKE_COMMAND}" -E touch "${stamp}"
        DEPENDS ${name}_check COMMENT "Checking the migrations of ${target}" VERBATIM)
    add_custom_target(${name}_checked DEPENDS "${stamp}")

    target_sources(${target} PRIVATE $<TARGET_OBJECTS:${name}_objects>)
    target_include_directories(${target} PRIVATE "${generated}")
    add_dependencies(${target} ${name}_checked)
endfunction()
