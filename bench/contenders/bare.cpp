#include "contenders/connection.hpp"
#include "contenders/contender.hpp"

#include <sqlite3.h>

namespace bench {
namespace {

class BareSession : public Session {
public:
    BareSession(const std::filesystem::path& file, Durability durability) : db_(file, settings(durability)) {}

    Item read(std::int64_t id) override {
        read_.bind(1, id);
        Item item;
        if (read_.step()) item = {read_.integer(0), read_.integer(1), read_.text(2)};
        read_.reset();
        return item;
    }

    void append(std::int64_t thread, std::int64_t value) override {
        transaction([&] {
            append_.bind(1, thread);
            append_.bind(2, value);
            append_.run();
        });
    }

    void hold_snapshot(const std::function<void()>& while_held) override {
        begin_read_.run();
        hold_.run();
        while_held();
        commit_.run();
    }

    std::int64_t aggregate() override {
        const auto sum = aggregate_.step() ? aggregate_.integer(0) : 0;
        aggregate_.reset();
        return sum;
    }

    void import(const Batches& batches) override {
        transaction([&] {
            for (auto batch = batches(); !batch.empty(); batch = batches()) insert(batch);
        });
    }

private:
    template <class Body>
    void transaction(Body body) {
        begin_.run();
        try {
            body();
            commit_.run();
        } catch (...) {
            rollback_.run();
            throw;
        }
    }

    void insert(std::span<const Item> batch) {
        for (const auto& item : batch) {
            import_.bind(1, item.id);
            import_.bind(2, item.amount);
            import_.bind(3, item.name);
            import_.run();
        }
    }

    Connection db_;
    Statement begin_{db_.raw(), "BEGIN IMMEDIATE"};
    Statement begin_read_{db_.raw(), "BEGIN"};
    Statement commit_{db_.raw(), "COMMIT"};
    Statement rollback_{db_.raw(), "ROLLBACK"};
    Statement read_{db_.raw(), read_sql};
    Statement append_{db_.raw(), append_sql};
    Statement hold_{db_.raw(), "SELECT amount FROM Items WHERE id = 1"};
    Statement aggregate_{db_.raw(), aggregate_sql};
    Statement import_{db_.raw(), import_sql};
};

/// A connection per thread: there is nothing to share.
class Bare : public Contender {
public:
    Bare(std::filesystem::path file, Durability durability) : file_(std::move(file)), durability_(durability) {}
    std::unique_ptr<Session> session() override { return std::make_unique<BareSession>(file_, durability_); }

private:
    std::filesystem::path file_;
    Durability durability_;
};

}  // namespace

Kind bare_contender() {
    return {bare, sqlite3_libversion(),
            [](const std::filesystem::path& file, Durability durability) -> std::unique_ptr<Contender> {
                return std::make_unique<Bare>(file, durability);
            }};
}

}  // namespace bench
