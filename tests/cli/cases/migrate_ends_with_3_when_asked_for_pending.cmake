migration(0001_parts.sql "CREATE TABLE Parts(x);\n")
migration(0003_users.sql "CREATE TABLE Users(x);\n")
expect_migrate(0 status --db p.db)
expect_migrate(3 status --db p.db --exit-code)
set(out "${json}")
expect_json(p.db database)
expect_json("" version)
expect_json(pending migrations 1 state)
expect_json(0003 migrations 1 version)
expect_json_type(STRING migrations 1 version)

sqlane(migrate up --db p.db -q)
expect_migrate(0 status --db p.db --exit-code)
expect(out "\np.db is at 0003: up to date\n$")

# Not applied, though `up` refuses it.
migration(0002_late.sql "CREATE TABLE Late(x);\n")
expect_migrate(3 status --db p.db --exit-code)
expect(out "  0002     late   out-of-order\n" "\np.db is at 0003: 1 out-of-order\n$")
