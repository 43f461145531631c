file(WRITE "${FOLDER}/sql/0001_parts.sql" "CREATE TABLE Parts(x);\n")
foreach(url IN ITEMS "plain.db" "sqlite:scheme.db" "sqlite://slashes.db" "sqlite://${FOLDER}/absolute.db")
    set(ENV{DATABASE_URL} "${url}")
    sqlane(migrate up --dir sql)
    expect_code(0)
    expect(out "\n[^\n]*[a-z]+.db is at 0001\n$")
endforeach()
expect_files(sql plain.db scheme.db slashes.db absolute.db)

# --db wins; options stand before or behind the verb.
sqlane(migrate --db sqlite:named.db --dir sql up)
expect_code(0)
expect_files(sql plain.db scheme.db slashes.db absolute.db named.db)

# What needs no migrations works without them, also beside a folder of bad ones.
file(WRITE "${FOLDER}/migrations/bad.sql" "?")
foreach(arguments IN ITEMS dump "dump;--dir;nowhere" backup)
    sqlane(migrate ${arguments} --db plain.db)
    expect_code(0)
endforeach()

set(ENV{DATABASE_URL} "")
sqlane(migrate up --dir sql)
expect_code(2)
