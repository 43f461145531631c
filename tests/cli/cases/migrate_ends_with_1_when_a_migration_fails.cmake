migration(0001_parts.sql "CREATE TABLE Parts(id INTEGER PRIMARY KEY, name TEXT); CREATE INDEX ix_parts ON Parts(name);
    INSERT INTO Parts VALUES (1, 'a');\n")
sqlane(migrate up --db p.db -q)
expect_code(0)

migration(0002_users.sql "CREATE TABLE Users(x);\n\tINSERT INTO Users SELECT nope FROM Parts;\n")
expect_error(1 failed statement-failed "0002_users.sql:2:27: no such column: nope .SQLITE_ERROR 1., statement 2 of 2
    INSERT INTO Users SELECT nope FROM Parts;
                             \\^
  Nothing was changed. Correct the file, and run the command again.\n$" up --db p.db)
expect_migrate(1 up --db p.db)
set(out "${json}")
expect_json(MigrationError error kind)
expect_json(0002_users.sql error place file)
expect_json(2 error place line)
expect_json(27 error place column)
expect_json(2 error place statement)
expect_json(2 error place statements)
expect_json(1 error sqlite_code)
expect_error(1 failed statement-failed "Nothing was changed" up --rehearse --db p.db)

# On a new file too: it is empty afterwards, as before.
file(TOUCH "${FOLDER}/new.db")
expect_error(1 failed statement-failed "no such column" up --db new.db)

migration(0002_users.sql "CREATE TABLE P2(id INTEGER PRIMARY KEY, name TEXT); DROP TABLE Parts;
    ALTER TABLE P2 RENAME TO Parts;\n")
expect_error(1 failed lost-objects "index ix_parts on Parts.*allow-lost=name" up --db p.db)

migration(0002_users.sql "CREATE TABLE Users(part REFERENCES Parts(id)); INSERT INTO Users VALUES (7);\n")
expect_error(1 failed foreign-key-violation "0002_users.sql: .*\n  Users.1 -> Parts\n" up --db p.db)

# One commit for each file: what was committed stays, and it is said.
migration(0002_users.sql "CREATE TABLE Users(x);\n")
migration(0003_rights.sql "CREATE TABLE Rights(x); INSERT INTO Rights VALUES (nope);\n")
sqlane(migrate up --db p.db --tx-mode file)
expect_code(1)
expect(err "^sqlane: failed: 0003_rights.sql:1:52: no such column: nope" "\n  The files before it stay applied, see status.")
sqlane(migrate status --db p.db)
expect(out "  0002     users   applied " "  0003     rights  pending" "\np.db is at 0002: 1 pending\n$")
file(GLOB copies "${FOLDER}/p.db.bak-0001-*")
list(LENGTH copies count)
if(NOT count EQUAL 1)
    fail("the copy from before is needed: ${copies}")
endif()
