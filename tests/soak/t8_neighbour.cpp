#include "process_trials.hpp"

#include "support/child_process.hpp"
#include "support/conversation.hpp"
#include "support/rival.hpp"

#include <sqlane/migrator.hpp>
#include <sqlane/sqlane.hpp>

#include <fstream>
#include <functional>

// T8: POSIX drops all locks that a process has on a file as soon as the process closes any descriptor of it. Another
// process then takes itself for the last one, and removes the log under our feet: our commits return, and are gone.
// https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_

namespace soak {
namespace {

using sqlane::ConnectionManager;
using sqlane::Migrator;

struct PublicCall {
    const char* name;
    std::function<void(ConnectionManager&)> make;
};
using Calls = std::vector<PublicCall>;

struct Undo {};

sqlane::MigrationSet a_migration() {
    static constexpr sqlane::MigrationFile file{"0001_other.sql", "CREATE TABLE Other(x INTEGER);\n"};
    return sqlane::MigrationSet::from_files({&file, 1});
}

std::filesystem::path beside(const ConnectionManager& db, const char* name) { return db.path().parent_path() / name; }

void read_in_every_way(ConnectionManager& db) {
    db.execute([](sqlane::Reader& r) {
        static_cast<void>(r.one<int>("SELECT count(*) FROM Row"));
        static_cast<void>(r.maybe<int>("SELECT number FROM Row LIMIT 1"));
        static_cast<void>(r.all<int>("SELECT number FROM Row ORDER BY number"));
        for (const int number : r.rows<int>("SELECT number FROM Row ORDER BY number")) static_cast<void>(number);
    });
}

void write_in_every_way(ConnectionManager& db) {
    db.execute_mut([](sqlane::Writer& w) {
        w.run("CREATE TABLE IF NOT EXISTS Scratch(x INTEGER)");
        w.insert("INSERT INTO Scratch(x) VALUES (1)");
        w.script("DELETE FROM Scratch; DROP TABLE Scratch;");
    });
}

void transact_in_every_way(ConnectionManager& db) {
    db.transaction([&](sqlane::Transaction& tx) {
        tx.on_commit([] {});
        tx.savepoint([&] { db.execute([](sqlane::Reader& r) { return r.one<int>("SELECT count(*) FROM Row"); }); });
        db.execute_mut([](sqlane::Writer& w) { w.run("DELETE FROM Row WHERE number < 0"); });
        db.transaction([](sqlane::Transaction& inner) { inner.run("DELETE FROM Row WHERE number < 0"); });
    });
}

void throw_in_a_transaction(ConnectionManager& db) {
    db.transaction([](sqlane::Transaction& tx) {
        tx.run("DELETE FROM Row");
        throw Undo{};
    });
}

void ask_everything(ConnectionManager& db) {
    static_cast<void>(to_string(db.report()) + to_json(db.report()) + to_json(db.stats()) + to_prometheus(db.stats()) +
                      to_string(db.health()) + to_json(db.health()) + to_string(db.options()) + db.path().string());
}

void resize(ConnectionManager& db) {
    auto limits = db.options().readers;
    limits.max = limits.max == 5 ? 2 : 5;
    db.configure(limits);
    read_in_every_way(db);
}

void attach_itself(ConnectionManager& db) {
    db.execute_mut([&](sqlane::Writer& w) {
        w.run("ATTACH ? AS again", db.path().string());
        w.run("DETACH again");
    });
}

void copy_itself(ConnectionManager& db) {
    std::filesystem::remove(beside(db, "copy.db"));
    db.execute_mut([&](sqlane::Writer& w) { w.run("VACUUM INTO ?", beside(db, "copy.db").string()); });
}

void open_linked(ConnectionManager& db, void (*link)(const std::filesystem::path&, const std::filesystem::path&)) {
    const auto name = beside(db, "linked.db");
    std::filesystem::remove(name);
    link(db.path(), name);
    const ConnectionManager second{name};
}

void make_another(ConnectionManager& db) {
    ConnectionManager other{beside(db, "other.db")};
    other.execute_mut([](sqlane::Writer& w) { w.run("CREATE TABLE IF NOT EXISTS Other(x INTEGER)"); });
    other.close();
}

void fork_and_leave(ConnectionManager& db) {
    support::fork_child([&] {
        try {
            read_in_every_way(db);
        } catch (const sqlane::UsageError&) {
            return 0;
        }
        return 1;
    }).wait();
}

Calls calls_of_migrator() {
    const auto on_file = [](auto work) {
        return [work](ConnectionManager& db) {
            Migrator migrator{db.path(), a_migration()};
            work(migrator);
        };
    };
    return {
        {"status", on_file([](Migrator& m) { static_cast<void>(m.status()); })},
        {"plan", on_file([](Migrator& m) { static_cast<void>(m.plan()); })},
        {"version", on_file([](Migrator& m) { static_cast<void>(m.version()); })},
        {"validate", on_file([](Migrator& m) { m.validate(); })},
        {"drift", on_file([](Migrator& m) { static_cast<void>(m.drift()); })},
        {"dump", on_file([](Migrator& m) { static_cast<void>(m.dump()); })},
        {"rehearse", on_file([](Migrator& m) { static_cast<void>(m.rehearse()); })},
        {"up", on_file([](Migrator& m) { m.up(); })},
        {"redo", on_file([](Migrator& m) { m.redo(); })},
        {"down", on_file([](Migrator& m) { m.down(); })},
        {"accept", on_file([](Migrator& m) { m.accept("0001"); })},
        {"backup", on_file([](Migrator& m) { static_cast<void>(m.backup()); })},
    };
}

/// Some of them are refused, and that must not harm either.
const Calls& all_calls() {
    static const Calls all = [] {
        Calls calls{
            {"execute", read_in_every_way},
            {"execute_mut", write_in_every_way},
            {"transaction", transact_in_every_way},
            {"transaction that throws", throw_in_a_transaction},
            {"report, stats, health, options, path", ask_everything},
            {"configure", resize},
            {"ATTACH of the same file", attach_itself},
            {"VACUUM INTO", copy_itself},
            {"a second manager", [](ConnectionManager& db) { const ConnectionManager second{db.path()}; }},
            {"a second manager by a symbolic link",
             [](ConnectionManager& db) { open_linked(db, std::filesystem::create_symlink); }},
            {"a second manager by a hard link",
             [](ConnectionManager& db) { open_linked(db, std::filesystem::create_hard_link); }},
            {"a manager of another file", make_another},
            {"a manager in memory",
             [](ConnectionManager&) {
                 auto other = ConnectionManager::in_memory();
                 other.execute([](sqlane::Reader& r) { return r.one<int>("SELECT 1"); });
             }},
            {"fork", fork_and_leave},
        };
        for (auto& call : calls_of_migrator()) calls.push_back(call);
        return calls;
    }();
    return all;
}

const Calls& careless_calls() {
    static const Calls all{{"the program itself reads the file", [](ConnectionManager& db) {
                                std::ifstream{db.path(), std::ios::binary}.get();
                            }}};
    return all;
}

void insert_row(sqlane::Transaction& tx) {
    tx.run("INSERT INTO Row(number) SELECT coalesce(max(number), 0) + 1 FROM Row");
}

/// The process under trial: makes the n-th call at each 'c', writes at 'w' until told to go on, and counts at 'r'.
int live(const std::filesystem::path& file, const Calls& calls, const support::Conversation::Told& told) {
    ConnectionManager db{file};
    db.execute_mut([](sqlane::Writer& w) { w.run("CREATE TABLE IF NOT EXISTS Row(number INTEGER) STRICT"); });
    told.answer(0);
    for (std::size_t next = 0;;) {
        const char word = told.next();
        if (word == 'q') return 0;
        if (word == 'c') {
            try {
                calls.at(next++).make(db);
            } catch (const sqlane::Error&) {
            } catch (const Undo&) {
            }
        }
        if (word == 'w')
            db.transaction([&](sqlane::Transaction& tx) {
                insert_row(tx);
                told.answer(0);
                told.next();
            });
        told.answer(word != 'r' ? 0 : db.execute([](sqlane::Reader& r) {
            return r.one<std::int64_t>("SELECT count(*) FROM Row");
        }));
    }
}

/// What a process that knows nothing of ours does: opens the file, works, and closes it.
int in_neighbour(const std::filesystem::path& file, const std::function<int(support::Rival&)>& work) {
    return support::fork_child([&] {
               support::Rival db{file};
               return work(db);
           })
        .wait();
}

bool can_write(const std::filesystem::path& file) {
    return in_neighbour(file, [](support::Rival& db) {
               db.run("PRAGMA busy_timeout=0");
               try {
                   db.run("BEGIN IMMEDIATE; ROLLBACK");
               } catch (const std::exception&) {
                   return 1;
               }
               return 0;
           }) == 0;
}

bool write_one(const std::filesystem::path& file) {
    return in_neighbour(file, [](support::Rival& db) {
               db.run("INSERT INTO Row(number) SELECT coalesce(max(number), 0) + 1 FROM Row");
               return 0;
           }) == 0;
}

bool finds(const std::filesystem::path& file, std::int64_t rows) {
    return in_neighbour(file, [rows](support::Rival& db) {
               return db.number("SELECT count(DISTINCT number) FROM Row") == rows ? 0 : 1;
           }) == 0;
}

class Round {
public:
    Round(std::filesystem::path file, const Calls& calls)
        : file_(std::move(file)), calls_(calls), ours_([&](const auto& told) { return live(file_, calls_, told); }) {
        ours_.answer();
    }

    void run(Outcome& outcome) {
        for (const auto& call : calls_) {
            ++outcome.runs;
            std::string problem;
            try {
                problem = problem_after_call();
            } catch (const std::exception& error) {
                problem = error.what();
            }
            if (problem.empty()) continue;
            outcome.fail(problem + " after " + call.name + " in " + file_.string());
            return;
        }
    }

    /// Killed or closed, the rows stay.
    bool ends_well(bool killed) {
        if (killed)
            ours_.child().kill_and_wait();
        else
            ours_.tell('q');
        if (!killed && ours_.child().wait() != 0) return false;
        return finds(file_, rows_);
    }

private:
    std::string problem_after_call() {
        ours_.ask('c');
        ours_.ask('w');
        if (can_write(file_)) return "a neighbour wrote in the middle of our transaction";
        ours_.ask('.');
        if (!write_one(file_)) return "a neighbour could not write";
        ours_.ask('w');
        ours_.ask('.');
        rows_ += 3;
        if (!finds(file_, rows_)) return "a neighbour does not find what was acknowledged";
        if (ours_.ask('r') != rows_) return "we do not see what was acknowledged";
        return {};
    }

    std::filesystem::path file_;
    const Calls& calls_;
    support::Conversation ours_;
    std::int64_t rows_ = 0;
};

Outcome beside_neighbour(const Settings& settings, const Calls& calls) {
    Outcome outcome;
    const auto rounds = settings.scaled(40);
    for (std::uint64_t i = 0; i < rounds && outcome.bad == 0; ++i) {
        const auto folder = settings.folder / std::to_string(i);
        std::filesystem::create_directory(folder);
        Round round{folder / "live.db", calls};
        round.run(outcome);
        if (outcome.bad == 0 && !round.ends_well(i % 2 == 0))
            outcome.fail("rows are lost at the end in " + folder.string());
        if (outcome.bad == 0) std::filesystem::remove_all(folder);
    }
    outcome.figures = std::to_string(calls.size()) + " calls";
    return outcome;
}

}  // namespace

Trial neighbour_trial() {
    return {.id = "T8",
            .title = "a neighbour that closes, after each public call",
            .target = "0 lost",
            .run = [](const Settings& settings) { return beside_neighbour(settings, all_calls()); },
            .controls = {{"a program that reads its own file",
                          [](const Settings& settings) { return beside_neighbour(settings, careless_calls()); }}}};
}

}  // namespace soak
