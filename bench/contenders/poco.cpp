#include "contenders/contender.hpp"

#include <Poco/Data/SQLite/Connector.h>
#include <Poco/Data/Session.h>
#include <Poco/Data/SessionPool.h>
#include <Poco/Version.h>

#include <condition_variable>
#include <mutex>

namespace bench {
namespace {

using namespace Poco::Data::Keywords;

/// Waits as SOCI's pool does. Not std::counting_semaphore, whose waiters spin at first: that would be measured too.
class Slots {
public:
    void acquire() {
        std::unique_lock lock{mutex_};
        given_back_.wait(lock, [this] { return free_ > 0; });
        --free_;
    }
    void release() {
        {
            const std::scoped_lock lock{mutex_};
            ++free_;
        }
        given_back_.notify_one();
    }

private:
    std::mutex mutex_;
    std::condition_variable given_back_;
    int free_ = pool_size;  // guarded
};

/// POCO's own place for what each new connection needs.
class Pool : public Poco::Data::SessionPool {
public:
    Pool(const std::string& file, Durability durability)
        : SessionPool("SQLite", file, pool_size, pool_size), durability_(durability) {}

protected:
    void customizeSession(Poco::Data::Session& session) override {
        for (const auto& setting : settings(durability_)) session << setting, now;
    }

private:
    Durability durability_;
};

/// As its manual shows: a session from the pool for each piece of work, and the statement written where it runs. An
/// empty pool throws instead of waiting, so its callers wait here.
class PocoSession : public Session {
public:
    PocoSession(Pool& pool, Slots& slots) : pool_(pool), slots_(slots) {}

    Item read(std::int64_t id) override {
        Item item;
        with_session([&](Poco::Data::Session& session) {
            Poco::Int64 found = 0;
            Poco::Int64 amount = 0;
            session << read_sql, into(found), into(amount), into(item.name), bind(Poco::Int64{id}), now;
            item.id = found;
            item.amount = amount;
        });
        return item;
    }

    void append(std::int64_t thread, std::int64_t value) override {
        in_transaction([&](Poco::Data::Session& session) {
            session << append_sql, bind(Poco::Int64{thread}), bind(Poco::Int64{value}), now;
        });
    }

    void hold_snapshot(const std::function<void()>& while_held) override {
        in_transaction([&](Poco::Data::Session& session) {
            Poco::Int64 amount = 0;
            session << "SELECT amount FROM Items WHERE id = 1", into(amount), now;
            while_held();
        });
    }

    std::int64_t aggregate() override {
        Poco::Int64 sum = 0;
        with_session([&](Poco::Data::Session& session) { session << aggregate_sql, into(sum), now; });
        return sum;
    }

    void import(const Batches& batches) override {
        in_transaction([&](Poco::Data::Session& session) {
            for (auto batch = batches(); !batch.empty(); batch = batches()) insert(session, batch);
        });
    }

private:
    template <class Body>
    void with_session(Body body) {
        slots_.acquire();
        try {
            auto session = pool_.get();
            body(session);
        } catch (...) {
            slots_.release();
            throw;
        }
        slots_.release();
    }

    template <class Body>
    void in_transaction(Body body) {
        with_session([&](Poco::Data::Session& session) {
            session.begin();
            try {
                body(session);
                session.commit();
            } catch (...) {
                session.rollback();
                throw;
            }
        });
    }

    static void insert(Poco::Data::Session& session, std::span<const Item> batch) {
        std::vector<Poco::Int64> ids;
        std::vector<Poco::Int64> amounts;
        std::vector<std::string> names;
        for (const auto& item : batch) {
            ids.push_back(item.id);
            amounts.push_back(item.amount);
            names.push_back(item.name);
        }
        session << import_sql, use(ids), use(amounts), use(names), now;
    }

    Pool& pool_;
    Slots& slots_;
};

class Poco8 : public Contender {
public:
    Poco8(const std::filesystem::path& file, Durability durability) : pool_(file.string(), durability) {}
    std::unique_ptr<Session> session() override { return std::make_unique<PocoSession>(pool_, slots_); }

private:
    Pool pool_;
    Slots slots_;
};

}  // namespace

Kind poco_contender() {
    Poco::Data::SQLite::Connector::registerConnector();
    return {"POCO",
            std::to_string(POCO_VERSION >> 24) + "." + std::to_string(POCO_VERSION >> 16 & 255) + "." +
                std::to_string(POCO_VERSION >> 8 & 255),
            [](const std::filesystem::path& file, Durability durability) -> std::unique_ptr<Contender> {
                return std::make_unique<Poco8>(file, durability);
            }};
}

}  // namespace bench
