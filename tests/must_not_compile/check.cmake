# cmake -DFILE=file.cpp -P check.cmake -- COMPILER ARGUMENTS...
# Runs the compiler and holds the outcome against the first line of the file. A wrong reason for a refusal is a failure:
# a typing mistake in the test must not pass for the promise it tests.
set(command "")
set(after_dashes OFF)
math(EXPR last "${CMAKE_ARGC} - 1")
foreach(i RANGE ${last})
    if(after_dashes)
        list(APPEND command "${CMAKE_ARGV${i}}")
    elseif(CMAKE_ARGV${i} STREQUAL "--")
        set(after_dashes ON)
    endif()
endforeach()

file(READ "${FILE}" text)
if(NOT text MATCHES "^// expect: ([^\r\n]+)")
    message(FATAL_ERROR "${FILE}: the first line must be \"// expect: REGEX\" or \"// expect: compiles\"")
endif()
set(expected "${CMAKE_MATCH_1}")

set(ENV{LC_ALL} C)
execute_process(COMMAND ${command} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)

if(expected STREQUAL "compiles")
    if(NOT result EQUAL 0)
        message(FATAL_ERROR "${FILE} must compile but does not:\n${output}")
    endif()
elseif(result EQUAL 0)
    message(FATAL_ERROR "${FILE} compiles but must not; expected: ${expected}")
elseif(NOT output MATCHES "${expected}")
    message(FATAL_ERROR "${FILE} is refused, but not with \"${expected}\":\n${output}")
endif()
