#include "ledger_child.hpp"

#include "support/ledger.hpp"

#include <sqlane/sqlane.hpp>

#include <unistd.h>

#include <array>
#include <exception>
#include <iostream>
#include <sstream>
#include <thread>

namespace soak {
namespace {

constexpr int cost_of_reopening = 5;

/// Thrown by a closure that wants to be undone.
struct Undo {};

struct Job {
    std::filesystem::path file;
    std::uint64_t seed = 0;
    std::uint64_t cycle = 0;
    support::LedgerWriter ledger{STDOUT_FILENO};
};

/// One transaction of one worker.
class Step {
public:
    Step(const Job& job, std::int64_t worker, std::int64_t number)
        : cycle_(job.cycle),
          worker_(worker),
          number_(number),
          kind_(kind_of(job.seed, job.cycle, worker, number)),
          from_(static_cast<int>(mixed(job.seed + job.cycle * 31 + static_cast<std::uint64_t>(worker + number * 8)) %
                                 accounts)) {}

    void run(sqlane::ConnectionManager& db) const {
        switch (kind_) {
            case Kind::transfer: return db.transaction([this](sqlane::Transaction& tx) { transfer(tx); });
            case Kind::savepoints: return db.transaction([this](sqlane::Transaction& tx) { savepoints(tx); });
            case Kind::thrown: return thrown(db);
            case Kind::single: return db.execute_mut([this](sqlane::Writer& w) { enter(w); });
            case Kind::large: return db.transaction([this](sqlane::Transaction& tx) { large(tx); });
        }
    }

private:
    void enter(sqlane::Writer& w) const {
        w.run("INSERT INTO Entry(cycle, worker, number) VALUES (?, ?, ?)", cycle_, worker_, number_);
    }

    void move_money(sqlane::Writer& w, int amount) const {
        w.run("UPDATE Account SET balance = balance - ? WHERE account_id = ?", amount, from_);
        w.run("UPDATE Account SET balance = balance + ? WHERE account_id = ?", amount, (from_ + 1) % accounts);
    }

    void transfer(sqlane::Writer& w) const {
        move_money(w, 3);
        enter(w);
    }

    void leave_traces(sqlane::Writer& w) const {
        w.run("INSERT INTO Undone(cycle, worker, number) VALUES (?, ?, ?)", cycle_, worker_, number_);
        w.run("UPDATE Account SET balance = balance - 1 WHERE account_id = ?", from_);
    }

    void savepoints(sqlane::Transaction& tx) const {
        enter(tx);
        undone(tx, [&] {
            leave_traces(tx);
            undone(tx, [&] { leave_traces(tx); });
            tx.savepoint([&] { leave_traces(tx); });
        });
        tx.savepoint([&] { move_money(tx, 5); });
    }

    template <class Part>
    static void undone(sqlane::Transaction& tx, Part&& part) {
        try {
            tx.savepoint([&] {
                part();
                throw Undo{};
            });
        } catch (const Undo&) {
        }
    }

    void thrown(sqlane::ConnectionManager& db) const {
        try {
            db.transaction([this](sqlane::Transaction& tx) {
                transfer(tx);
                leave_traces(tx);
                throw Undo{};
            });
        } catch (const Undo&) {
        }
    }

    /// Both ways of taking back a part that wrote more pages than the cache holds, and some of them twice.
    void large(sqlane::Transaction& tx) const {
        try {
            tx.run(more_names_than_fit);
        } catch (const sqlane::ConstraintError&) {
        }
        undone(tx, [&] {
            for (int i = 0; i < 2; ++i) tx.run("UPDATE Bulk SET stamp = stamp + slot, data = zeroblob(3000)");
        });
        const auto stamp = static_cast<std::int64_t>(cycle_) * 1'000'000 + number_ * workers + worker_;
        if (number_ % 2 == 0) tx.run("UPDATE Bulk SET stamp = ?", stamp);
        transfer(tx);
    }

    std::uint64_t cycle_;
    std::int64_t worker_;
    std::int64_t number_;
    Kind kind_;
    int from_;
};

/// Until killed. What fails ends the process with an exit code, which the parent takes for a failure.
[[noreturn]] void work(sqlane::ConnectionManager& db, const Job& job, std::int64_t worker) noexcept {
    try {
        for (std::int64_t number = 1;; ++number) {
            Step{job, worker, number}.run(db);
            job.ledger.acknowledge({worker, number});
        }
    } catch (const std::exception& error) {
        std::cerr << "worker " << worker << ": " << error.what() << std::endl;
        ::_exit(1);
    }
}

[[noreturn]] void run_transactions(const Job& job, const sqlane::Options& options) {
    sqlane::ConnectionManager db{job.file, options};
    std::vector<std::jthread> threads;
    for (int worker = 1; worker < workers; ++worker) threads.emplace_back([&, worker] { work(db, job, worker); });
    work(db, job, 0);
}

[[noreturn]] void run_reopening(const Job& job) {
    for (std::int64_t number = 1;;) {
        sqlane::ConnectionManager db{job.file};
        for (int i = 0; i < cost_of_reopening; ++i, ++number) {
            Step{job, 0, number}.run(db);
            job.ledger.acknowledge({0, number});
        }
    }
}

[[noreturn]] void run_migrations(const Job& job) {
    sqlane::MigrationOptions options;
    options.backup = job.cycle % 4 == 0;
    sqlane::Migrator migrator{job.file, ledger_migrations(), options};
    for (std::int64_t number = 1;; ++number) {
        if (migrator.version() == "0001")
            migrator.up();
        else
            migrator.down_to("0001");
        job.ledger.acknowledge({0, number});
    }
}

sqlane::Options with_short_log() {
    sqlane::Options options;
    options.wal_soft_limit = 65'536;
    return options;
}

Found look(sqlane::ConnectionManager& db, std::int64_t cycle) {
    return db.execute([&](sqlane::Reader& r) {
        Found found;
        found.quick_check = r.all<std::string>("PRAGMA quick_check(1)").front();
        found.bank = r.one<std::int64_t>("SELECT sum(balance) FROM Account");
        found.undone = r.one<std::int64_t>(
            "SELECT (SELECT count(*) FROM Undone) + (SELECT count(*) FROM Name WHERE name <> 'taken')");
        found.bulk_stamps = r.one<std::int64_t>("SELECT count(DISTINCT stamp) FROM Bulk");
        found.version = r.one<std::int64_t>("SELECT max(CAST(version AS INTEGER)) FROM _schema_migrations");
        if (r.one<bool>("SELECT count(*) FROM sqlite_schema WHERE name = 'Extra'"))
            found.extra_rows = r.one<std::int64_t>("SELECT count(*) FROM Extra");
        found.older_entries = r.one<std::int64_t>("SELECT count(*) FROM Entry WHERE cycle < ?", cycle);
        for (const auto& [worker, number] :
             r.all<std::int64_t, std::int64_t>("SELECT worker, number FROM Entry WHERE cycle >= ?", cycle))
            found.entries.emplace_back(worker, number);
        return found;
    });
}

void print(const Found& found) {
    std::ostringstream text;
    text << found.reopened_in_ns << ' ' << found.bank << ' ' << found.undone << ' ' << found.bulk_stamps << ' '
         << found.version << ' ' << found.extra_rows << ' ' << found.older_entries << ' ' << found.entries.size();
    for (const auto& [worker, number] : found.entries) text << ' ' << worker << ' ' << number;
    std::cout << text.str() << ' ' << found.quick_check << std::flush;
}

}  // namespace

std::uint64_t mixed(std::uint64_t value) {
    value += 0x9e3779b97f4a7c15U;
    value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9U;
    value = (value ^ (value >> 27U)) * 0x94d049bb133111ebU;
    return value ^ (value >> 31U);
}

Kind kind_of(std::uint64_t seed, std::uint64_t cycle, std::int64_t worker, std::int64_t number) {
    const auto dice = mixed(mixed(mixed(seed) + cycle) + static_cast<std::uint64_t>(number * workers + worker)) % 100;
    if (dice < 2) return Kind::large;
    if (dice < 15) return Kind::thrown;
    if (dice < 30) return Kind::savepoints;
    if (dice < 45) return Kind::single;
    return Kind::transfer;
}

sqlane::MigrationSet ledger_migrations() {
    static const std::string first =
        "CREATE TABLE Entry(cycle INTEGER, worker INTEGER, number INTEGER, PRIMARY KEY(cycle, worker, number)) STRICT, "
        "WITHOUT ROWID;\n"
        "CREATE TABLE Undone(cycle INTEGER, worker INTEGER, number INTEGER) STRICT;\n"
        "CREATE TABLE Name(name TEXT NOT NULL UNIQUE) STRICT;\n"
        "INSERT INTO Name(name) VALUES ('taken');\n"
        "CREATE TABLE Account(account_id INTEGER PRIMARY KEY, balance INTEGER NOT NULL) STRICT;\n"
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < " +
        std::to_string(accounts - 1) + ") INSERT INTO Account(account_id, balance) SELECT i, " +
        std::to_string(opening_balance) +
        " FROM n;\n"
        "CREATE TABLE Bulk(slot INTEGER PRIMARY KEY, stamp INTEGER NOT NULL, data BLOB NOT NULL) STRICT;\n"
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " +
        std::to_string(bulk_rows) + ") INSERT INTO Bulk(slot, stamp, data) SELECT i, 0, zeroblob(3000) FROM n;\n";
    static constexpr std::string_view second =
        "-- migrate:up\n"
        "CREATE TABLE Extra(slot INTEGER PRIMARY KEY, stamp INTEGER NOT NULL) STRICT;\n"
        "INSERT INTO Extra(slot, stamp) SELECT slot, stamp FROM Bulk;\n"
        "ALTER TABLE Account ADD COLUMN note TEXT;\n"
        "-- migrate:down\n"
        "ALTER TABLE Account DROP COLUMN note;\n"
        "DROP TABLE Extra;\n";
    const std::array<sqlane::MigrationFile, 2> files{{{"0001_ledger.sql", first}, {"0002_extra.sql", second}}};
    return sqlane::MigrationSet::from_files(files);
}

Found parse_found(const std::string& text) {
    std::istringstream in{text};
    Found found;
    std::size_t entries = 0;
    in >> found.reopened_in_ns >> found.bank >> found.undone >> found.bulk_stamps >> found.version >>
        found.extra_rows >> found.older_entries >> entries;
    for (std::size_t i = 0; in && i < entries; ++i) {
        auto& [worker, number] = found.entries.emplace_back();
        in >> worker >> number;
    }
    in >> std::ws;
    std::getline(in, found.quick_check);
    return found;
}

int make_ledger(const std::vector<std::string>& arguments) {
    sqlane::Migrator{arguments.at(0), ledger_migrations()}.up();
    return 0;
}

int write_ledger(const std::vector<std::string>& arguments) {
    const Job job{arguments.at(0), std::stoull(arguments.at(1)), std::stoull(arguments.at(2))};
    switch (static_cast<Load>(std::stoi(arguments.at(3)))) {
        case Load::transactions: run_transactions(job, {});
        case Load::checkpoints: run_transactions(job, with_short_log());
        case Load::migrations: run_migrations(job);
        case Load::reopening: run_reopening(job);
    }
    return 1;
}

int look_at_ledger(const std::vector<std::string>& arguments) {
    const auto cycle = std::stoll(arguments.at(1));
    const auto begun = sqlane::Clock::now();
    sqlane::ConnectionManager db{arguments.at(0)};
    const auto first = db.execute([](sqlane::Reader& r) { return r.one<std::int64_t>("SELECT count(*) FROM Name"); });
    const auto reopened_in = sqlane::Clock::now() - begun;
    if (first != 1) return 1;
    auto found = look(db, cycle);
    found.reopened_in_ns = std::chrono::nanoseconds{reopened_in}.count();
    print(found);
    if (cycle % 2 == 0) ::_exit(0);  // without closing: the next one finds the log, too
    return 0;
}

}  // namespace soak
