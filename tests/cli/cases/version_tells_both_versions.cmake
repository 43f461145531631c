sqlane(--version)
expect_code(0)
expect(out "^sqlane [0-9]+\\.[0-9]+\\.[0-9]+\nSQLite 3\\.[0-9]+\\.[0-9]+\n$")
expect_empty(err)

sqlane(--version --json)
expect_code(0)
string(JSON version GET "${out}" sqlane)
string(JSON version GET "${out}" sqlite)
