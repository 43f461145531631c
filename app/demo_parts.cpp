#include "demo_parts.hpp"

#include <stdexcept>
#include <tuple>

template <>
struct sqlane::RowReader<cli::parts::Ledger> {
    static cli::parts::Ledger read(const sqlane::Row& row) {
        const auto number = [&row](const char* column) { return row.get<std::int64_t>(column); };
        return {.rows = number("rows"),
                .different = number("different"),
                .lowest = number("lowest"),
                .highest = number("highest"),
                .sum = number("sum"),
                .sequence = number("sequence")};
    }
};

namespace cli::parts {

using sqlane::ConnectionManager;
using sqlane::Reader;
using sqlane::Transaction;

void create_schema(ConnectionManager& db) {
    db.transaction({.label = "schema"}, [](Transaction& tx) {
        tx.script(R"(
            CREATE TABLE PartSequence (id INTEGER PRIMARY KEY CHECK (id = 1), last_value INTEGER NOT NULL) STRICT;
            CREATE TABLE Parts (
                id INTEGER PRIMARY KEY, number INTEGER NOT NULL UNIQUE, category TEXT NOT NULL,
                in_stock INTEGER NOT NULL DEFAULT 0
            ) STRICT;
            INSERT INTO PartSequence (id, last_value) VALUES (1, 0);
        )");
    });
}

std::int64_t draw_number(ConnectionManager& db) {
    return db.transaction({.label = "draw number"}, [](Transaction& tx) {
        return tx.one<std::int64_t>(
            "UPDATE PartSequence SET last_value = last_value + 1 WHERE id = 1 RETURNING last_value");
    });
}

std::int64_t create_part(ConnectionManager& db, const std::string& category) {
    return db.transaction({.label = "create part"}, [&](Transaction& tx) {
        const auto number = draw_number(db);  // takes part in this transaction
        tx.run("INSERT INTO Parts (number, category) VALUES (?, ?)", number, category);
        return number;
    });
}

std::int64_t receive_part(ConnectionManager& db, const std::string& category, int quantity) {
    return db.transaction({.label = "receive part"}, [&](Transaction& tx) {
        const auto number = create_part(db, category);
        tx.run("UPDATE Parts SET in_stock = in_stock + ? WHERE number = ?", quantity, number);
        if (find_stock(db, number) != quantity) throw std::logic_error{"a transaction did not see its own writes"};
        return number;
    });
}

void receive_and_return(ConnectionManager& db, const std::string& category, int quantity) {
    db.transaction({.label = "receive and return"}, [&](Transaction&) {
        receive_part(db, category, quantity);
        throw ChangedMyMind{};
    });
}

std::int64_t find_stock(ConnectionManager& db, std::int64_t number) {
    return db.execute({.label = "find stock"}, [&](Reader& r) {
        return r.maybe<std::int64_t>("SELECT in_stock FROM Parts WHERE number = ?", number).value_or(-1);
    });
}

Newest newest(ConnectionManager& db) {
    return db.execute({.label = "newest parts"}, [](Reader& r) {
        Newest found;
        found.sequence = r.one<std::int64_t>("SELECT last_value FROM PartSequence WHERE id = 1");
        std::tie(found.number, found.in_stock) = r.one<std::int64_t, std::int64_t>(
            "SELECT coalesce(max(number), 0), coalesce(sum(in_stock), 0) "
            "FROM (SELECT number, in_stock FROM Parts ORDER BY number DESC LIMIT 100)");
        return found;
    });
}

Ledger ledger(ConnectionManager& db) {
    return db.execute({.label = "ledger"}, [](Reader& r) {
        return r.one<Ledger>(R"(
            SELECT count(*) AS rows, count(DISTINCT number) AS different, coalesce(min(number), 0) AS lowest,
                   coalesce(max(number), 0) AS highest, coalesce(sum(number), 0) AS sum,
                   (SELECT last_value FROM PartSequence WHERE id = 1) AS sequence
            FROM Parts)");
    });
}

void nightly_import(ConnectionManager& db, const std::function<void()>& while_it_runs) {
    db.transaction({.label = "nightly import"}, [&](Transaction& tx) {
        tx.run("UPDATE Parts SET in_stock = in_stock + 1 WHERE category = ?", "EL");
        while_it_runs();
    });
}

void rename_category(ConnectionManager& db, const std::string& from, const std::string& to, sqlane::Deadline deadline) {
    db.transaction({.label = "rename category", .deadline = deadline},
                   [&](Transaction& tx) { tx.run("UPDATE Parts SET category = ? WHERE category = ?", to, from); });
}

}  // namespace cli::parts
