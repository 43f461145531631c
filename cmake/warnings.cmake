# Warnings are ours alone: PRIVATE, so that neither an enclosing build nor a user of the package inherits them.
function(sqlane_warnings target)
    if(NOT SQLANE_DEVELOPER)
        return()
    endif()
    if(MSVC)
        target_compile_options(${target} PRIVATE /W4 /WX /permissive-)
        return()
    endif()
    target_compile_options(${target} PRIVATE
        -Werror -Wall -Wextra -Wpedantic
        -Wcast-align -Wcast-qual -Wconversion -Wdouble-promotion -Wextra-semi -Wformat=2 -Wimplicit-fallthrough
        -Wmissing-declarations -Wnon-virtual-dtor -Wold-style-cast -Woverloaded-virtual -Wshadow -Wsign-conversion
        -Wundef -Wunused
        $<$<CXX_COMPILER_ID:GNU>:-Wduplicated-cond -Wlogical-op -Wredundant-decls>
        # Call{.label = "search"} names what it sets and means the defaults for the rest.
        -Wno-missing-field-initializers)
endfunction()
