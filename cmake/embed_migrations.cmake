# Run by sqlane_embed_migrations at build time: FOLDER, NAME, OUTPUT.
# Bytes and not string literals: any text fits, whatever quotes it holds and however long it is.
file(GLOB files LIST_DIRECTORIES false "${FOLDER}/*.[sS][qQ][lL]")
list(SORT files)

set(arrays "")
set(entries "")
set(number 0)
foreach(file IN LISTS files)
    get_filename_component(name "${file}" NAME)
    file(READ "${file}" hex HEX)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
    string(APPEND arrays "constexpr unsigned char file_${number}[] = {${bytes}0};\n")
    string(APPEND entries
        "        {\"${name}\", {reinterpret_cast<const char*>(file_${number}), sizeof file_${number} - 1}},\n")
    math(EXPR number "${number} + 1")
endforeach()

if(number EQUAL 0)
    set(files_code "std::span<const sqlane::MigrationFile>{}")
else()
    set(files_code "files")
    set(entries "    static const sqlane::MigrationFile files[] = {\n${entries}    };\n")
endif()
file(WRITE "${OUTPUT}" "#include \"${NAME}.hpp\"

namespace {
${arrays}}  // namespace

const sqlane::MigrationSet& ${NAME}() {
${entries}    static const sqlane::MigrationSet set = sqlane::MigrationSet::from_files(${files_code});
    return set;
}
")
