# cmake -DSQLANE=program -DMAKE_DATABASE=program -DFOLDER=folder -DCASE=file -P run_case.cmake
# Runs a case in its folder, emptied first. The functions below are what cases are written in.
cmake_minimum_required(VERSION 3.20)

function(fail what)
    message(FATAL_ERROR "${what}\n-- ended with: ${code}\n-- stdout:\n${out}\n-- stderr:\n${err}")
endfunction()

# sqlane(arguments...): sets code, out and err.
macro(sqlane)
    execute_process(COMMAND "${SQLANE}" ${ARGV} WORKING_DIRECTORY "${FOLDER}"
        RESULT_VARIABLE code OUTPUT_VARIABLE out ERROR_VARIABLE err)
endmacro()

# make_database(file sql [crash])
function(make_database file sql)
    execute_process(COMMAND "${MAKE_DATABASE}" "${file}" "${sql}" ${ARGN} WORKING_DIRECTORY "${FOLDER}"
        RESULT_VARIABLE code OUTPUT_VARIABLE out ERROR_VARIABLE err)
    if(NOT code EQUAL 0)
        fail("make_database ${file}")
    endif()
endfunction()

function(expect_code expected)
    if(NOT code STREQUAL expected)
        fail("wanted exit code ${expected}")
    endif()
endfunction()

# expect(out|err REGEX...)
function(expect stream)
    foreach(regex IN LISTS ARGN)
        if(NOT "${${stream}}" MATCHES "${regex}")
            fail("std${stream} does not match: ${regex}")
        endif()
    endforeach()
endfunction()

function(expect_empty stream)
    if(NOT "${${stream}}" STREQUAL "")
        fail("std${stream} is not empty")
    endif()
endfunction()

# expect_json(VALUE MEMBER...): stdout is one JSON document and has that value there.
function(expect_json expected)
    string(JSON value ERROR_VARIABLE error GET "${out}" ${ARGN})
    if(error)
        fail("no JSON, or no ${ARGN} in it: ${error}")
    endif()
    if(NOT "${value}" STREQUAL "${expected}")
        fail("${ARGN} is '${value}' and not '${expected}'")
    endif()
endfunction()

# expect_files(NAME...): these are in the folder, and nothing else.
function(expect_files)
    file(GLOB found RELATIVE "${FOLDER}" "${FOLDER}/*")
    list(SORT found)
    set(wanted ${ARGN})
    list(SORT wanted)
    if(NOT "${found}" STREQUAL "${wanted}")
        fail("the folder holds '${found}' and not '${wanted}'")
    endif()
endfunction()

# migration(NAME TEXT): a file of the folder migrations.
function(migration name text)
    file(WRITE "${FOLDER}/migrations/${name}" "${text}")
endfunction()

# One object and nothing else: string(JSON) would overlook what follows it.
function(expect_one_json_object)
    if(NOT out MATCHES "^{\n" OR NOT out MATCHES "\n}\n$" OR out MATCHES "\n}\n.")
        fail("stdout is not one JSON object")
    endif()
    expect_json_type(OBJECT)
endfunction()

function(expect_json_type type)
    string(JSON found ERROR_VARIABLE error TYPE "${out}" ${ARGN})
    if(NOT found STREQUAL type)
        fail("${ARGN} is '${found}' (${error}) and not a '${type}'")
    endif()
endfunction()

function(expect_json_length length)
    string(JSON found ERROR_VARIABLE error LENGTH "${out}" ${ARGN})
    if(NOT found STREQUAL length)
        fail("${ARGN} has ${found} (${error}) and not ${length} members")
    endif()
endfunction()

# expect_migrate(CODE ARGUMENTS...): the same in words and with --json. Afterwards, out and err are those in words and
# json is the object.
macro(expect_migrate expected)
    sqlane(migrate ${ARGN} --json)
    expect_code(${expected})
    expect_empty(err)
    expect_one_json_object()
    set(json "${out}")
    sqlane(migrate ${ARGN})
    expect_code(${expected})
endmacro()

# expect_error(CODE PROBLEM ERROR_CODE REGEX ARGUMENTS...): says so in words and with --json, and changes no file.
function(expect_error expected problem error_code regex)
    remember_files()
    expect_migrate(${expected} ${ARGN})
    expect_empty(out)
    set(name "${problem}")
    if(problem STREQUAL "usage")
        set(name UsageError)
    endif()
    expect(err "^sqlane: ${name}: " "${regex}")
    set(out "${json}")
    expect_json(${problem} error problem)
    expect_json(${error_code} error code)
    expect_json_type(STRING error message)
    expect_files_unchanged()
endfunction()

# expect_both(CODE ARGUMENTS...): the same for commands on parts, which are safe to run twice.
macro(expect_both expected)
    sqlane(${ARGN} --json)
    expect_code(${expected})
    expect_empty(err)
    expect_one_json_object()
    set(json "${out}")
    sqlane(${ARGN})
    expect_code(${expected})
endmacro()

# expect_failure(CODE KIND REGEX ARGUMENTS...): says so in words on stderr and with --json on stdout.
function(expect_failure expected kind regex)
    expect_both(${expected} ${ARGN})
    expect_empty(out)
    expect(err "^sqlane: ${kind}: " "${regex}")
    set(out "${json}")
    expect_json(${kind} error kind)
    expect_json_type(STRING error message)
endfunction()

# do(ARGUMENTS...): a step that has to work.
macro(do)
    sqlane(${ARGN})
    expect_code(0)
endmacro()

# on_terminal(COMMAND [VARIABLE=VALUE...]): as on a terminal 60 columns wide, with what the file `answer` holds as input. Ends
# the case where that cannot be had; util-linux has the program.
macro(on_terminal command)
    find_program(SCRIPT script)
    if(NOT SCRIPT)
        return()
    endif()
    if(NOT EXISTS "${FOLDER}/answer")
        file(WRITE "${FOLDER}/answer" "")
    endif()
    execute_process(COMMAND "${CMAKE_COMMAND}" -E env --unset=NO_COLOR TERM=xterm ${ARGN}
            "${SCRIPT}" -qec "stty cols 60; '${SQLANE}' ${command}" /dev/null
        WORKING_DIRECTORY "${FOLDER}" INPUT_FILE "${FOLDER}/answer"
        RESULT_VARIABLE code OUTPUT_VARIABLE out ERROR_VARIABLE err)
    string(REPLACE "\r" "" out "${out}")
endmacro()

# The database parts.db: ada is Admin, bo and cy are Designers, dee only looks. Who does something is ada.
macro(work_as_ada)
    set(ENV{DATABASE_URL} parts.db)
    set(ENV{SQLANE_USER} ada)
    do(user add ada --role Admin)
    do(user add bo --role Designer)
    do(user add cy --role Designer)
    do(user add dee --role Viewer)
endmacro()

# AS-10001, of ada's, has two EL-RES-10000 in it.
macro(make_lamp)
    do(part add EL-RES "Resistor 10k" --description "1 %")
    do(part add AS Lamp)
    do(bom add AS-10001 EL-RES-10000 2 --designators "R1, R2" --find 10)
endmacro()

function(remember_files)
    file(GLOB_RECURSE files "${FOLDER}/*")
    foreach(file IN LISTS files)
        file(SHA256 "${file}" hash)
        list(APPEND hashes "${file} ${hash}")
    endforeach()
    set(remembered "${hashes}" PARENT_SCOPE)
endfunction()

# Same files, same bytes.
function(expect_files_unchanged)
    set(before "${remembered}")
    remember_files()
    if(NOT "${before}" STREQUAL "${remembered}")
        fail("the files changed from\n  ${before}\nto\n  ${remembered}")
    endif()
endfunction()

file(REMOVE_RECURSE "${FOLDER}")
file(MAKE_DIRECTORY "${FOLDER}")
foreach(variable IN ITEMS POOL_MIN POOL_MAX POOL_OVERFLOW POOL_TIMEOUT POOL_QUEUE SYNCHRONOUS UPKEEP_THREAD)
    unset(ENV{SQLANE_${variable}})
endforeach()
unset(ENV{DATABASE_URL})
unset(ENV{SQLANE_USER})
unset(ENV{NO_COLOR})
get_filename_component(MIGRATIONS "${CMAKE_CURRENT_LIST_DIR}/../../migrations" ABSOLUTE)
include("${CASE}")
