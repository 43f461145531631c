work_as_ada()
file(WRITE "${FOLDER}/parts.csv" "category,name,subcategory,description
EL,Resistor,RES,\"two
lines; and \"\"quotes\"\"\"
XX,Nothing,,
AS,,,
AS,Lamp,,
")
foreach(option IN ITEMS --dry-run --all-or-nothing)
    expect_both(1 part import parts.csv ${option})
    expect(err "^parts.csv:4: category: there is no category 'XX'\nparts.csv:5: name: must not be empty\n$")
    set(out "${json}")
    expect_json(2 bad_rows)
    expect_json(4 errors 0 line)
    do(part list --json)
    expect_json(0 total)
endforeach()
sqlane(part import parts.csv)
expect_code(1)
expect(out "^2 of 4 rows imported, 2 bad\n$")
do(part list --category EL-RES --json)
expect_json("two\nlines; and \"quotes\"" parts 0 description)

do(part import parts.csv --skip 3 --batch 1 --json)
expect_one_json_object()
expect_json(1 imported)
expect_json(4 settled)
file(WRITE "${FOLDER}/wrong.csv" "colour,name\n")
expect_failure(1 InvalidValue "'colour' is unknown, 'category' is missing" part import wrong.csv)
expect_failure(1 NotFound "no file 'missing.csv'" part import missing.csv)
