make_database(parts.db "PRAGMA journal_mode=WAL; PRAGMA user_version=7; PRAGMA application_id=1234;
    CREATE TABLE parts (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO parts (name) VALUES ('a'), ('b'), ('c');
    CREATE TABLE \"odd \"\" name\" (x); CREATE VIEW all_parts AS SELECT name FROM parts")
remember_files()
sqlane(doctor parts.db)
expect_code(0)
expect(out "user_version +7\n" "application_id +1234\n" "journal mode +wal\n" "encoding +UTF-8\n" "parts +3\n"
    "odd \" name +0\n" "and 1 view, 0 virtual tables\n" "quick_check +ok\n" "foreign_key_check +ok\n"
    "frames without checksum" "WAL reset race" "SQLANE_POOL_MAX\n" "\nhealthy\n$")
expect_empty(err)
expect_files_unchanged()

sqlane(doctor --json parts.db)
expect_code(0)
expect_json(ON healthy)
expect_json(file examined)
expect_json(7 user_version)
expect_json(4096 page_size)
expect_json(2 tables count)
expect_json(parts tables listed 1 name)
expect_json(3 tables listed 1 rows)
expect_json(ok quick_check 0)
expect_json(0 foreign_key_check violations)
