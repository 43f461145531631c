set(ENV{DATABASE_URL} parts.db)

sqlane(migrate new "add suppliers")
expect_code(0)
expect(out "^migrations/[0-9]+_add_suppliers.sql\n$")
string(STRIP "${out}" file)
file(READ "${FOLDER}/${file}" text)
if(NOT text STREQUAL "-- migrate:up\n\n-- migrate:down\n")
    fail("the new file holds: ${text}")
endif()
file(WRITE "${FOLDER}/${file}" "-- migrate:up
CREATE TABLE Suppliers(supplier_id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;
-- migrate:down
DROP TABLE Suppliers;
")

sqlane(migrate up --dry-run)
expect_code(0)
expect(out "^-- [0-9]+_add_suppliers.sql\nCREATE TABLE Suppliers")
sqlane(migrate up --rehearse)
expect_code(0)
expect(out "^On a copy, 1 migration from no version to [0-9]+ took .*; quick_check: ok\n" "  Suppliers +- +0\n$")
expect_files(migrations)

sqlane(migrate up)
expect_code(0)
expect(out "^  [0-9]+_add_suppliers  applied  (< 1|[0-9]+) ms\nparts.db is at [0-9]+\n$")
expect_empty(err)
sqlane(migrate status)
expect_code(0)
expect(out "  version +name +state +applied .UTC. +took\n" "  [0-9]+ +add_suppliers  applied  20[0-9-]+ [0-9:]+ +[<0-9]"
    "\nparts.db is at [0-9]+: up to date\n$")
expect_files(migrations parts.db)
