# Two tables that share their pages.
make_database(parts.db "PRAGMA journal_mode=WAL; CREATE TABLE a (x); CREATE TABLE b (x); INSERT INTO a VALUES (1);
    PRAGMA writable_schema=ON;
    UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'a') WHERE name = 'b'")
remember_files()
sqlane(doctor parts.db)
expect_code(1)
expect(out "quick_check\n.*2nd reference to page" "\nnot healthy: 1 problem\n  quick_check found damage\n    Restore a backup")
expect_files_unchanged()

sqlane(doctor parts.db --json)
expect_code(1)
expect_json(OFF healthy)
expect_json("quick_check found damage" problems 0 problem)
