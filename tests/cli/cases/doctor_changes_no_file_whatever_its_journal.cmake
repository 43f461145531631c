# Opening any of these with a manager would change it.
make_database(rollback.db "CREATE TABLE t (x); INSERT INTO t VALUES (1)")
make_database(killed.db "PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE t (x);
    INSERT INTO t VALUES (1), (2)" crash)
make_database(hot.db "CREATE TABLE t (x); INSERT INTO t VALUES (zeroblob(100000)); PRAGMA cache_size=1;
    PRAGMA cache_spill=1; BEGIN; UPDATE t SET x = zeroblob(200000); INSERT INTO t VALUES (1), (2)" crash)
file(WRITE "${FOLDER}/empty.db" "")
remember_files()
if(NOT remembered MATCHES "killed.db-wal" OR NOT remembered MATCHES "hot.db-journal")
    fail("the files are not as this case needs them: ${remembered}")
endif()

foreach(expected IN ITEMS "rollback 1 rollback" "killed 2 wal" "hot 1 rollback")
    separate_arguments(expected)
    list(POP_FRONT expected name rows mode)
    sqlane(doctor --json ${name}.db)
    expect_code(0)
    expect_json(copy examined)
    expect_json(${mode} journal_mode)
    expect_json(${rows} tables listed 0 rows)
    expect_files_unchanged()
endforeach()

sqlane(doctor empty.db)
expect_code(0)
expect(out "size +0 bytes\n" "examined +a copy, because" "\nhealthy\n$")
expect_files_unchanged()
