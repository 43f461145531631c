sqlane(demo --seconds 0.2)
expect_code(0)
expect(out "transactions +[0-9,]+" "reads +[0-9,]+" "writer +[0-9,]+" "readers +[0-9,]+"
    "Yes\\. Numbers 1 to [0-9,]+, no gap and no duplicate"
    "Timeout: waited [0-9.]+ ms for the writer of " "nightly import")
expect_empty(err)
expect_files()
