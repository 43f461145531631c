sqlane(demo --parts 200)
expect_code(0)
expect(out "parts made +200 " "parts released +200 " "reads +[0-9,]+" "writer +[0-9,]+" "readers +[0-9,]+"
    "Yes\\. Numbers 10000 to 10199, no gap and no duplicate" "it went from Draft to In Review to Released"
    "Timeout: waited [0-9.]+ ms for the writer of " "nightly import")
expect_empty(err)
expect_files()
string(REGEX MATCHALL "\n" lines "${out}")
list(LENGTH lines count)
if(count GREATER 40)
    fail("${count} lines are no screen")
endif()
