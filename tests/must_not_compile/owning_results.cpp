// expect: compiles
#include <sqlane/sqlane.hpp>

#include <array>
#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

struct Part {
    int id = 0;
    std::string name;
};

using Function = int (*)(int);

// What a closure may return, and what it may be. If one of these stopped to compile, a refusal beside it would prove
// nothing.
void results(sqlane::ConnectionManager& db) {
    db.execute([](sqlane::Reader&) {});
    db.execute([] {});
    const int number = db.execute([](sqlane::Reader& r) { return r.one<int>("SELECT 1"); });
    const bool flag = db.execute([](const sqlane::Reader&) { return true; });
    const std::string text = db.execute([](sqlane::Reader& r) { return r.one<std::string>("SELECT 'x'"); });
    const auto generic = db.execute([](auto& r) { return r.template all<std::string>("SELECT 'x'"); });
    const std::vector<std::string>& names = generic;
    const auto row = db.execute([](sqlane::Reader& r) { return r.maybe<int, std::string>("SELECT 1, 'x'"); });
    const std::optional<std::tuple<int, std::string>>& maybe = row;
    const auto blob = db.execute([](sqlane::Reader& r) { return r.one<sqlane::Blob>("SELECT x''"); });
    const auto by_id = db.execute([](sqlane::Reader&) { return std::map<int, std::vector<std::string>>{}; });
    const auto array = db.execute([](sqlane::Reader&) { return std::array<std::string, 2>{}; });
    const auto pair = db.execute([](sqlane::Reader&) { return std::pair<const int, std::string>{}; });
    const auto variant = db.execute([](sqlane::Reader&) { return std::variant<int, std::string>{}; });
    const auto part = db.execute([](sqlane::Reader&) { return Part{}; });
    const auto parts = db.execute([](sqlane::Reader&) { return std::vector<Part>{}; });
    const auto unique = db.execute([](sqlane::Reader&) { return std::make_unique<Part>(); });
    const auto shared = db.execute([](sqlane::Reader&) { return std::make_shared<std::string>(); });
    const auto path = db.execute([](sqlane::Reader&) { return std::filesystem::path{"parts.db"}; });
    const auto time = db.execute([](sqlane::Reader&) { return std::chrono::system_clock::now(); });
    const auto function = db.execute([](sqlane::Reader&) { return std::function<void()>{}; });
    const Function pointer_to_function = db.execute([](sqlane::Reader&) { return Function{nullptr}; });
    const auto identity = db.execute_mut([](sqlane::Writer& w) { return w.insert("INSERT INTO Parts VALUES (1)"); });
    const auto of_part = db.transaction([](sqlane::Transaction& tx) {
        return tx.savepoint([](sqlane::Transaction& inner) { return inner.run("DELETE FROM Parts"); });
    });
    // A helper that only reads serves all three verbs.
    struct Count {
        int operator()(sqlane::Reader& r) const { return r.one<int>("SELECT count(*) FROM Parts"); }
    };
    const int counted = db.execute(Count{}) + db.execute_mut(Count{}) + db.transaction(Count{});
    const int with_call = db.execute({.label = "count", .deadline = std::chrono::seconds{1}}, Count{});
    static_cast<void>(std::tie(number, flag, text, names, maybe, blob, by_id, array, pair, variant, part, parts, unique,
                               shared, path, time, function, pointer_to_function, identity, of_part, counted,
                               with_call));
}
