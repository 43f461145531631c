#include "contenders/contender.hpp"

#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>
#include <soci/version.h>

namespace bench {
namespace {

// SOCI's numbers are `long long`, which is not std::int64_t everywhere.
using Number = long long;

/// As its manual shows: a session from the pool for each piece of work, and the statement written where it runs.
class SociSession : public Session {
public:
    explicit SociSession(soci::connection_pool& pool) : pool_(pool) {}

    Item read(std::int64_t id) override {
        soci::session sql{pool_};
        const Number key = id;
        Number found = 0;
        Number amount = 0;
        Item item;
        sql << read_sql, soci::into(found), soci::into(amount), soci::into(item.name), soci::use(key, "id");
        item.id = found;
        item.amount = amount;
        return item;
    }

    void append(std::int64_t thread, std::int64_t value) override {
        soci::session sql{pool_};
        const Number by = thread;
        const Number what = value;
        soci::transaction transaction{sql};
        sql << append_sql, soci::use(by, "thread"), soci::use(what, "value");
        transaction.commit();
    }

    void hold_snapshot(const std::function<void()>& while_held) override {
        soci::session sql{pool_};
        Number amount = 0;
        soci::transaction transaction{sql};
        sql << "SELECT amount FROM Items WHERE id = 1", soci::into(amount);
        while_held();
        transaction.commit();
    }

    std::int64_t aggregate() override {
        soci::session sql{pool_};
        Number sum = 0;
        sql << aggregate_sql, soci::into(sum);
        return sum;
    }

    void import(const Batches& batches) override {
        soci::session sql{pool_};
        soci::transaction transaction{sql};
        for (auto batch = batches(); !batch.empty(); batch = batches()) insert(sql, batch);
        transaction.commit();
    }

private:
    static void insert(soci::session& sql, std::span<const Item> batch) {
        std::vector<Number> ids;
        std::vector<Number> amounts;
        std::vector<std::string> names;
        for (const auto& item : batch) {
            ids.push_back(item.id);
            amounts.push_back(item.amount);
            names.push_back(item.name);
        }
        sql << import_sql, soci::use(ids, "id"), soci::use(amounts, "amount"), soci::use(names, "name");
    }

    soci::connection_pool& pool_;
};

class Soci : public Contender {
public:
    Soci(const std::filesystem::path& file, Durability durability) {
        for (std::size_t i = 0; i < pool_size; ++i) {
            auto& sql = pool_.at(i);
            sql.open(soci::sqlite3, "db=" + file.string());
            for (const auto& setting : settings(durability)) sql << setting;
        }
    }
    std::unique_ptr<Session> session() override { return std::make_unique<SociSession>(pool_); }

private:
    soci::connection_pool pool_{pool_size};
};

}  // namespace

Kind soci_contender() {
    return {"SOCI",
            std::to_string(SOCI_VERSION / 100000) + "." + std::to_string(SOCI_VERSION / 100 % 1000) + "." +
                std::to_string(SOCI_VERSION % 100),
            [](const std::filesystem::path& file, Durability durability) -> std::unique_ptr<Contender> {
                return std::make_unique<Soci>(file, durability);
            }};
}

}  // namespace bench
