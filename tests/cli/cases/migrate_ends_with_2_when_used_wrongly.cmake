migration(0001_parts.sql "-- migrate:up\nCREATE TABLE Parts(x);\n-- migrate:down\nDROP TABLE Parts;\n")
sqlane(migrate up --db p.db -q)
expect_code(0)
remember_files()

sqlane(migrate up --db)
expect_code(2)
expect(err "^sqlane: UsageError: --db: ")

# Found before a verb runs.
foreach(arguments IN ITEMS "" "frobnicate" "up;--frobnicate" "up;--tx-mode;some" "down;many"
        "down;1;--to;1" "restore" "new" "up;--lock-timeout;soon" "up;stray")
    sqlane(migrate ${arguments})
    expect_code(2)
    expect_empty(out)
    expect(err "^sqlane: UsageError: " "--help")
    sqlane(migrate ${arguments} --json)
    expect_code(2)
    expect_empty(err)
    expect_one_json_object()
    expect_json(UsageError error kind)
endforeach()

set(no_database "no database was named\n  Name it: --db FILE, or in the variable DATABASE_URL.\n$")
foreach(arguments IN ITEMS up status validate drift dump backup redo down "restore;copy.db")
    expect_error(2 usage usage "${no_database}" ${arguments})
endforeach()
expect_error(2 usage usage "${no_database}" up --dir missing)

foreach(arguments IN ITEMS down "down;2" "down;--to;0" redo "restore;copy.db")
    expect_error(2 usage usage "there is no terminal to ask at: .* of p.db.\n  Say that it is meant: --yes.\n$"
        ${arguments} --db p.db)
endforeach()

expect_error(2 usage usage "UsageError: down: wanted a count of at least 1\n" down 0 --yes --db p.db)
expect_error(2 usage usage "exclude each other" up --dry-run --rehearse --db p.db)
expect_error(2 usage usage "exclude each other" dump --output a --check b --db p.db)
foreach(seconds IN ITEMS -1 nan inf 1e300)
    expect_error(2 usage usage "--lock-timeout: wanted 0 to 86400 seconds" up --db p.db --lock-timeout=${seconds})
endforeach()
expect_error(2 usage usage "gives no file name" new "???")
expect_error(2 usage usage "it is a directory" up --db .)
expect_files_unchanged()
