#include <doctest/doctest.h>

#include <sqlane/sqlane.hpp>
#include <sqlane/testing.hpp>

#include "support/steps.hpp"

#include <nlohmann/json.hpp>

#include <clocale>
#include <cstdint>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace {

using nlohmann::json;
using sqlane::Call;
using sqlane::Reader;
using sqlane::Stats;
using sqlane::Transaction;
using sqlane::Writer;
using sqlane::testing::TemporaryDatabase;

/// Something of everything: reads, commits, a rollback, waits.
void use(TemporaryDatabase& test) {
    test->execute_mut([](Writer& w) { w.run("CREATE TABLE Part (name TEXT)"); });
    for (int i = 0; i < 3; ++i) test->execute([](Reader& r) { return r.one<int>("SELECT count(*) FROM Part"); });
    CHECK_THROWS_AS(test->transaction([](Transaction& tx) {
        tx.run("INSERT INTO Part (name) VALUES ('R1')");
        throw 7;
    }),
                    int);
    support::Steps steps;
    support::Crew crew{steps};
    test->transaction([&] {
        crew.start([&] { test->transaction([] {}); });
        support::wait_until("one waits", [&] { return test->stats().writer.waiting == 1; });
    });
    crew.join();
}

/// Prometheus' text exposition format 0.0.4, as strictly as its scrapers read it.
class Exposition {
public:
    explicit Exposition(const std::string& text) {
        REQUIRE(text.ends_with("\n"));
        std::istringstream lines{text};
        for (std::string line; std::getline(lines, line);) read(line);
    }

    struct Sample {
        std::string name;
        std::map<std::string, std::string> labels;
        double value;
    };
    std::map<std::string, std::string> types;
    std::vector<Sample> samples;

    [[nodiscard]] double value(const std::string& name, const std::string& lane) const {
        for (const auto& sample : samples)
            if (sample.name == name && sample.labels.contains("lane") && sample.labels.at("lane") == lane)
                return sample.value;
        FAIL("no sample " << name << " of lane " << lane);
        return 0;
    }

private:
    void read(const std::string& line) {
        CAPTURE(line);
        static const std::regex help{R"(# HELP ([a-z_:][a-z0-9_:]*) \S.*)"};
        static const std::regex type{R"(# TYPE ([a-z_:][a-z0-9_:]*) (counter|gauge|histogram))"};
        static const std::regex sample{R"re(([a-z_:][a-z0-9_:]*)\{(.*)\} ([-+.0-9eE]+|\+Inf))re"};
        std::smatch found;
        if (std::regex_match(line, found, help)) {
            CHECK(helped_.insert(found[1]).second);  // once
            family_ = found[1];
        } else if (std::regex_match(line, found, type)) {
            CHECK(found[1] == family_);  // right after its HELP
            CHECK(types.emplace(found[1], found[2]).second);
            CHECK((found[2] == "counter") == family_.ends_with("_total"));
        } else if (std::regex_match(line, found, sample)) {
            const std::string name = found[1];
            if (types.at(family_) == "histogram")
                CHECK((name == family_ + "_bucket" || name == family_ + "_sum" || name == family_ + "_count"));
            else
                CHECK(name == family_);  // so that the samples of a family stand together
            samples.push_back({name, labels(found[2]), std::stod(found[3])});
            CHECK(seen_.insert(name + "{" + found[2].str() + "}").second);
        } else {
            FAIL_CHECK("not a line of the format");
        }
    }

    static std::map<std::string, std::string> labels(const std::string& text) {
        static const std::regex label{R"re(([a-z_]+)="((?:[^"\\]|\\["\\n])*)"(,|$))re"};
        std::map<std::string, std::string> all;
        std::size_t length = 0;
        for (std::sregex_iterator it{text.begin(), text.end(), label}, end; it != end; ++it) {
            all.emplace((*it)[1], (*it)[2]);
            length += static_cast<std::size_t>(it->length());
        }
        CHECK(length == text.size());  // nothing stands between the labels
        return all;
    }

    std::string family_;
    std::set<std::string> helped_;
    std::set<std::string> seen_;
};

}  // namespace

TEST_CASE("export: stats are JSON and say what stats() says") {
    TemporaryDatabase test;
    use(test);
    const auto stats = test->stats();
    const auto parsed = json::parse(to_json(stats));
    CHECK(parsed.at("database") == "test.db");
    for (const auto* lane : {&stats.writer, &stats.readers}) {
        const auto& said = parsed.at(lane->name);
        CHECK(said.at("name") == lane->name);
        CHECK(said.at("open") == lane->open);
        CHECK(said.at("limit") == lane->limit);
        CHECK(said.at("lent") == lane->lent);
        CHECK(said.at("queued") == lane->queued);
        CHECK(said.at("commits") == lane->commits);
        CHECK(said.at("rollbacks") == lane->rollbacks);
        CHECK(said.at("cache_hits") == lane->cache_hits);
        CHECK(said.at("cache_misses") == lane->cache_misses);
        CHECK(said.at("hold").at("count") == lane->hold.count);
        const double longest = std::chrono::duration<double>(lane->hold.longest).count();
        CHECK(said.at("hold").at("longest_seconds").get<double>() == doctest::Approx(longest));
    }
    CHECK(stats.writer.rollbacks == 1);
    CHECK(stats.writer.queued == 1);
    CHECK(parsed.at("wal_bytes") == stats.wal_bytes);
    CHECK(parsed.at("sqlite_memory").get<std::int64_t>() > 0);
}

TEST_CASE("export: a report is JSON whatever the labels and the SQL contain") {
    TemporaryDatabase test;
    const std::string label = "quote \" backslash \\ line\nbreak tab\t bell\a Größe 電阻";
    test->execute(Call{.label = label}, [&](Reader& r) {
        // Long enough to be shortened, and at every offset within a character.
        for (const std::string& start : {std::string{}, std::string{"x"}, std::string{"xx"}, std::string{"xxx"}}) {
            std::string sql = "SELECT '" + start;
            for (int i = 0; i < 100; ++i) sql += "電";
            sql += "'";
            for ([[maybe_unused]] const auto& text : r.rows<std::string>(sql)) {
                const auto report = test->report();
                const auto parsed = json::parse(to_json(report));
                const auto& holder = parsed.at("readers").at("holders").at(0);
                CHECK(holder.at("label") == label);
                CHECK(holder.at("sql") == report.readers.holders.at(0).sql);
                CHECK(holder.at("line") == report.readers.holders.at(0).at.line());
                CHECK(holder.at("stepping") == false);
                CHECK(parsed.at("readers").at("waiting").empty());
                CHECK(parsed.at("warnings").empty());
            }
        }
    });
}

TEST_CASE("export: health is JSON") {
    TemporaryDatabase test;
    const auto parsed = json::parse(to_json(test->health()));
    CHECK(parsed.at("state") == "healthy");
    CHECK(parsed.at("summary") == test->health().summary);
}

TEST_CASE("export: Prometheus text is well formed and each family is described once") {
    TemporaryDatabase test;
    use(test);
    const auto stats = test->stats();
    const Exposition exposition{to_prometheus(stats)};
    for (const auto& sample : exposition.samples) CHECK(sample.labels.at("database") == "test.db");
    CHECK(exposition.value("sqlane_lent_total", "writer") == static_cast<double>(stats.writer.lent));
    CHECK(exposition.value("sqlane_lent_total", "readers") == static_cast<double>(stats.readers.lent));
    CHECK(exposition.value("sqlane_rollbacks_total", "writer") == 1);
    CHECK(exposition.value("sqlane_limit", "readers") == 15);
    CHECK(exposition.types.at("sqlane_wal_bytes") == "gauge");
    CHECK(exposition.types.at("sqlane_checkpoints_total") == "counter");
}

TEST_CASE("export: Prometheus histograms are cumulative and end with all") {
    TemporaryDatabase test;
    use(test);
    const auto stats = test->stats();
    const Exposition exposition{to_prometheus(stats)};
    for (const std::string metric : {"sqlane_wait_seconds", "sqlane_hold_seconds"}) {
        CHECK(exposition.types.at(metric) == "histogram");
        for (const std::string lane : {"writer", "readers"}) {
            CAPTURE(metric);
            CAPTURE(lane);
            double bound = -1;
            double below = 0;
            std::string last;
            for (const auto& sample : exposition.samples) {
                if (sample.name != metric + "_bucket" || sample.labels.at("lane") != lane) continue;
                last = sample.labels.at("le");
                CHECK(std::stod(last) > bound);
                CHECK(sample.value >= below);
                bound = std::stod(last);
                below = sample.value;
            }
            CHECK(last == "+Inf");
            CHECK(below == exposition.value(metric + "_count", lane));
        }
    }
    CHECK(exposition.value("sqlane_hold_seconds_sum", "writer") ==
          doctest::Approx(std::chrono::duration<double>(stats.writer.hold.total).count()));
}

TEST_CASE("export: numbers do not follow the user's locale") {
    // A desktop program speaks its user's language, and half of Europe writes 0,5.
    const std::string before = std::setlocale(LC_NUMERIC, nullptr);
    const char* with_comma = nullptr;
    for (const char* name : {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "fr_FR"})
        if (with_comma == nullptr) with_comma = std::setlocale(LC_NUMERIC, name);
    if (with_comma == nullptr) {
        MESSAGE("no locale with a decimal comma is installed here");
        return;
    }
    Stats stats;
    stats.writer.name = "writer";
    stats.writer.hold.add(std::chrono::milliseconds{1500});
    const auto exported = to_json(stats);
    const auto prometheus = to_prometheus(stats);
    std::setlocale(LC_NUMERIC, before.c_str());
    CHECK(json::parse(exported).at("writer").at("hold").at("longest_seconds").get<double>() == 1.5);
    CHECK(support::contains(prometheus, "sqlane_hold_seconds_sum{database=\"\",lane=\"writer\"} 1.5\n"));
}
