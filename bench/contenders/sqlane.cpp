#include "contenders/contender.hpp"

#include <sqlane/sqlane.hpp>
#include <sqlane/version.hpp>

namespace bench {
namespace {

sqlane::Options options_for(Durability durability) {
    sqlane::Options options;
    options.readers.min_idle = pool_size;
    options.readers.max = pool_size;
    options.synchronous = durability == Durability::full ? sqlane::Synchronous::full : sqlane::Synchronous::normal;
    return options;
}

class SqlaneSession : public Session {
public:
    explicit SqlaneSession(sqlane::ConnectionManager& db) : db_(db) {}

    Item read(std::int64_t id) override {
        return db_.execute([&](sqlane::Reader& r) {
            auto [found, amount, name] = r.one<std::int64_t, std::int64_t, std::string>(read_sql, id);
            return Item{found, amount, std::move(name)};
        });
    }

    void append(std::int64_t thread, std::int64_t value) override {
        db_.transaction([&](sqlane::Transaction& tx) { tx.run(append_sql, thread, value); });
    }

    void hold_snapshot(const std::function<void()>& while_held) override {
        db_.execute([&](sqlane::Reader& r) {
            static_cast<void>(r.one<std::int64_t>("SELECT amount FROM Items WHERE id = 1"));
            while_held();
        });
    }

    std::int64_t aggregate() override {
        return db_.execute([](sqlane::Reader& r) { return r.one<std::int64_t>(aggregate_sql); });
    }

    void import(const Batches& batches) override {
        db_.transaction([&](sqlane::Transaction& tx) {
            for (auto batch = batches(); !batch.empty(); batch = batches())
                for (const auto& item : batch) tx.run(import_sql, item.id, item.amount, item.name);
        });
    }

private:
    sqlane::ConnectionManager& db_;
};

class Sqlane : public Contender {
public:
    Sqlane(const std::filesystem::path& file, Durability durability) : db_(file, options_for(durability)) {}
    std::unique_ptr<Session> session() override { return std::make_unique<SqlaneSession>(db_); }

private:
    sqlane::ConnectionManager db_;
};

}  // namespace

Kind sqlane_contender() {
    return {ours, std::string{sqlane::version},
            [](const std::filesystem::path& file, Durability durability) -> std::unique_ptr<Contender> {
                return std::make_unique<Sqlane>(file, durability);
            }};
}

}  // namespace bench
