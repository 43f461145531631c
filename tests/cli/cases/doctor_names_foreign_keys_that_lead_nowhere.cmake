make_database(parts.db "PRAGMA journal_mode=WAL; CREATE TABLE parts (id INTEGER PRIMARY KEY);
    CREATE TABLE revisions (id INTEGER PRIMARY KEY, part INTEGER REFERENCES parts (id));
    INSERT INTO revisions (part) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 25)
        SELECT i FROM n")
remember_files()
sqlane(doctor parts.db)
expect_code(1)
expect(out "revisions +row +1 +refers to a row of parts that is not there\n" "revisions +row 20 " "and 5 more\n"
    "\nnot healthy: 1 problem\n  25 foreign keys without the row that they refer to\n    Correct or delete")
expect_files_unchanged()

sqlane(doctor parts.db --json)
expect_code(1)
expect_json(OFF healthy)
expect_json(25 foreign_key_check violations)
string(JSON listed LENGTH "${out}" foreign_key_check listed)
if(NOT listed EQUAL 20)
    fail("${listed} are listed")
endif()
