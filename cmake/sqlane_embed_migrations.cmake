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

    set(script "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/embed_migrations.cmake")
    # CONFIGURE_DEPENDS finds files that come and go, the command's DEPENDS those that change.
    file(GLOB files CONFIGURE_DEPENDS "${folder}/*.sql")
    set(generated "${CMAKE_CURRENT_BINARY_DIR}/${arg_NAME}")
    set(list "${generated}/files.txt")
    file(GENERATE OUTPUT "${list}" CONTENT "$<JOIN:${files},\n>\n")
    add_custom_command(
        OUTPUT "${generated}/${arg_NAME}.cpp" "${generated}/${arg_NAME}.hpp" "${generated}/check.cpp"
        COMMAND "${CMAKE_COMMAND}" "-DFOLDER=${folder}" "-DNAME=${arg_NAME}" "-DOUTPUT=${generated}"
            -P "${script}"
        DEPENDS ${files} "${list}" "${script}"
        COMMENT "Embedding the migrations of ${target}"
        VERBATIM)

    add_library(${arg_NAME}_objects OBJECT "${generated}/${arg_NAME}.cpp" "${generated}/${arg_NAME}.hpp")
    target_link_libraries(${arg_NAME}_objects PRIVATE sqlane::sqlane)

    add_executable(${arg_NAME}_check "${generated}/check.cpp" $<TARGET_OBJECTS:${arg_NAME}_objects>)
    target_include_directories(${arg_NAME}_check PRIVATE "${generated}")
    target_link_libraries(${arg_NAME}_check PRIVATE sqlane::sqlane)
    set(stamp "${generated}/checked")
    if(CMAKE_CROSSCOMPILING AND NOT CMAKE_CROSSCOMPILING_EMULATOR)
        set(run_check "")
    else()
        set(run_check COMMAND ${arg_NAME}_check)
    endif()
    add_custom_command(OUTPUT "${stamp}" ${run_check} COMMAND "${CMAKE_COMMAND}" -E touch "${stamp}"
        DEPENDS ${arg_NAME}_check COMMENT "Checking the migrations of ${target}" VERBATIM)
    add_custom_target(${arg_NAME}_checked DEPENDS "${stamp}")

    target_sources(${target} PRIVATE $<TARGET_OBJECTS:${arg_NAME}_objects>)
    target_include_directories(${target} PRIVATE "${generated}")
    add_dependencies(${target} ${arg_NAME}_checked)
endfunction()
