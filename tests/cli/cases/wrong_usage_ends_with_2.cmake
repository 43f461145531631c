sqlane()
expect_code(2)
expect_empty(out)
expect(err "Usage: sqlane")

foreach(arguments IN ITEMS "frobnicate" "doctor" "doctor;--frobnicate;x.db" "demo;--readers;0" "demo;--readers;many"
        "demo;--parts;111" "demo;stray")
    sqlane(${arguments})
    expect_code(2)
    expect_empty(out)
    expect(err "^sqlane: UsageError: " "--help")

    sqlane(${arguments} --json)
    expect_code(2)
    expect_json(UsageError error kind)
    expect_empty(err)
endforeach()
expect_files()
