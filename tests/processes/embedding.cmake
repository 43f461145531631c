# cmake -DBUILD=folder -DSOURCE=folder -DFOLDER=folder -DGENERATOR=name -DARGUMENTS=list -P embedding.cmake
# Installs what is built, configures an outside project against it once, and builds it again after each change of its
# migrations.
cmake_minimum_required(VERSION 3.20)
file(REMOVE_RECURSE "${FOLDER}")
file(COPY "${SOURCE}/" DESTINATION "${FOLDER}/project")
set(migrations "${FOLDER}/project/migrations")
set(project "${FOLDER}/build")

function(run)
    execute_process(COMMAND ${ARGV} RESULT_VARIABLE code OUTPUT_VARIABLE out ERROR_VARIABLE out)
    set(code "${code}" PARENT_SCOPE)
    set(out "${out}" PARENT_SCOPE)
endfunction()

function(run_well)
    run(${ARGV})
    if(NOT code STREQUAL 0)
        message(FATAL_ERROR "${ARGV}: ended with ${code}\n${out}")
    endif()
    set(out "${out}" PARENT_SCOPE)
endfunction()

# expect_embedded(VERSIONS): the next build succeeds and embeds these, to the byte.
function(expect_embedded versions)
    run_well("${CMAKE_COMMAND}" --build "${project}")
    set(build "${out}")
    run_well("${project}/embedding" "${migrations}")
    if(NOT out STREQUAL "versions:${versions}\n")
        message(FATAL_ERROR "wanted versions:${versions}, and got ${out}\n${build}")
    endif()
    set(out "${build}" PARENT_SCOPE)
endfunction()

# expect_refused(REGEX NAME TEXT): a file with which the build fails, and without which it does not.
function(expect_refused regex name text)
    file(WRITE "${migrations}/${name}" "${text}")
    foreach(round RANGE 1 2)  # the second build must not take the failed first one for done
        run("${CMAKE_COMMAND}" --build "${project}")
        if(code STREQUAL 0 OR NOT out MATCHES "error: ${regex}")
            message(FATAL_ERROR "${name}: ended with ${code}, and not with ${regex}:\n${out}")
        endif()
    endforeach()
    file(REMOVE "${migrations}/${name}")
endfunction()

run_well("${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${FOLDER}/installed")

# A line of everything that ends a literal somewhere, repeated to a mebibyte; Windows' line ends and a byte order mark.
string(ASCII 239 187 191 byte_order_mark)
string(ASCII 13 10 line_end)
set(text "-- )\" )foo\" \\ \\\" \\n ??/ %s @x@ \${y} 'é' „日本“ */ #if 0 0x1F 🙂")
string(LENGTH "${text}" length)
math(EXPR count "1048576 / ${length} + 1")
string(REPEAT "${text}\n" ${count} lines)
file(WRITE "${migrations}/0001_large.sql" "${lines}CREATE TABLE Large(x);\n")
file(SIZE "${migrations}/0001_large.sql" size)
if(size LESS 1048576)
    message(FATAL_ERROR "the large file has ${size} bytes")
endif()
file(WRITE "${migrations}/0002_windows.sql" "${byte_order_mark}CREATE TABLE Windows(x);${line_end}")
file(WRITE "${FOLDER}/project/other_migrations/0001_plugin.sql" "CREATE TABLE Plugin(x);\n")

run_well("${CMAKE_COMMAND}" -S "${FOLDER}/project" -B "${project}" -G "${GENERATOR}" "-DCMAKE_PREFIX_PATH=${FOLDER}/installed"
    ${ARGUMENTS})
expect_embedded(" 0001 0002")
file(REMOVE "${migrations}/0001_large.sql")
expect_embedded(" 0002")

file(WRITE "${migrations}/0003_added.sql" "CREATE TABLE Added(x);\n")
expect_embedded(" 0002 0003")
if(out MATCHES "main.cpp" OR out MATCHES "plugin")
    message(FATAL_ERROR "a migration was added, and this was built again:\n${out}")
endif()
file(WRITE "${migrations}/0003_added.sql" "CREATE TABLE Edited(x);\n")
expect_embedded(" 0002 0003")

expect_refused("0004_Users.sql: a migration is named" "0004_Users.sql" "SELECT 1;\n")
expect_refused("0004_users.SQL: a migration is named" "0004_users.SQL" "SELECT 1;\n")
expect_refused("add users.sql: a migration is named" "add users.sql" "SELECT 1;\n")
expect_refused("0004_users.sql:1:1: unknown option 'fast'" "0004_users.sql" "-- migrate: fast\nSELECT 1;\n")
expect_refused("0003_added.sql and 3_users.sql: the same version" "3_users.sql" "SELECT 1;\n")

file(REMOVE "${migrations}/0002_windows.sql" "${migrations}/0003_added.sql")
expect_embedded("")
run("${CMAKE_COMMAND}" --build "${project}")
if(NOT out MATCHES "no work to do|is up to date|Built target")
    message(FATAL_ERROR "nothing was changed, and this was built again:\n${out}")
endif()
