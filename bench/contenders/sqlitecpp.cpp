#include "contenders/contender.hpp"

#include <SQLiteCpp/SQLiteCpp.h>

namespace bench {
namespace {

class SqliteCppSession : public Session {
public:
    SqliteCppSession(const std::filesystem::path& file, Durability durability)
        : db_(file.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_NOMUTEX) {
        for (const auto& setting : settings(durability)) SQLite::Statement{db_, setting}.executeStep();
    }

    Item read(std::int64_t id) override {
        read_.bind(1, id);
        Item item;
        if (read_.executeStep())
            item = {read_.getColumn(0).getInt64(), read_.getColumn(1).getInt64(), read_.getColumn(2).getString()};
        read_.reset();
        return item;
    }

    void append(std::int64_t thread, std::int64_t value) override {
        SQLite::Transaction transaction{db_, SQLite::TransactionBehavior::IMMEDIATE};
        append_.bind(1, thread);
        append_.bind(2, value);
        append_.exec();
        append_.reset();
        transaction.commit();
    }

    void hold_snapshot(const std::function<void()>& while_held) override {
        SQLite::Transaction transaction{db_, SQLite::TransactionBehavior::DEFERRED};
        hold_.executeStep();
        hold_.reset();
        while_held();
        transaction.commit();
    }

    std::int64_t aggregate() override {
        aggregate_.executeStep();
        const auto sum = aggregate_.getColumn(0).getInt64();
        aggregate_.reset();
        return sum;
    }

    void import(const Batches& batches) override {
        SQLite::Transaction transaction{db_, SQLite::TransactionBehavior::IMMEDIATE};
        for (auto batch = batches(); !batch.empty(); batch = batches()) insert(batch);
        transaction.commit();
    }

private:
    void insert(std::span<const Item> batch) {
        for (const auto& item : batch) {
            import_.bind(1, item.id);
            import_.bind(2, item.amount);
            import_.bindNoCopy(3, item.name);
            import_.exec();
            import_.reset();
        }
    }

    SQLite::Database db_;
    SQLite::Statement read_{db_, read_sql};
    SQLite::Statement append_{db_, append_sql};
    SQLite::Statement hold_{db_, "SELECT amount FROM Items WHERE id = 1"};
    SQLite::Statement aggregate_{db_, aggregate_sql};
    SQLite::Statement import_{db_, import_sql};
};

/// A connection per thread: the library has no pool.
class SqliteCpp : public Contender {
public:
    SqliteCpp(std::filesystem::path file, Durability durability) : file_(std::move(file)), durability_(durability) {}
    std::unique_ptr<Session> session() override { return std::make_unique<SqliteCppSession>(file_, durability_); }

private:
    std::filesystem::path file_;
    Durability durability_;
};

}  // namespace

Kind sqlitecpp_contender() {
    return {"SQLiteCpp", SQLITECPP_VERSION,
            [](const std::filesystem::path& file, Durability durability) -> std::unique_ptr<Contender> {
                return std::make_unique<SqliteCpp>(file, durability);
            }};
}

}  // namespace bench
