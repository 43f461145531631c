#include <sqlite3.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

/// make_database FILE SQL [crash]: runs the SQL with SQLite's own settings; with "crash" it ends without closing, and
/// leaves the log behind as a program that was killed does.
int main(int argc, char** argv) {
    if (argc < 3) return EXIT_FAILURE;
    sqlite3* db = nullptr;
    char* message = nullptr;
    if (sqlite3_open(argv[1], &db) != SQLITE_OK || sqlite3_exec(db, argv[2], nullptr, nullptr, &message) != SQLITE_OK) {
        std::fprintf(stderr, "%s\n", message != nullptr ? message : sqlite3_errmsg(db));
        return EXIT_FAILURE;
    }
    if (argc > 3 && std::string_view{argv[3]} == "crash") std::_Exit(EXIT_SUCCESS);
    return sqlite3_close(db) == SQLITE_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
