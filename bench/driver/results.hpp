#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

using Json = nlohmann::ordered_json;

/// What is measured. The first one of a workload is the one that is compared and drawn.
struct Metric {
    enum class Better : std::uint8_t { higher, lower, neither };
    /// How the rounds become one number: a "worst" is the worst of all of them.
    enum class Fold : std::uint8_t { median, highest, lowest };

    std::string_view name;
    std::string_view heading;
    Better better = Better::lower;
    Fold fold = Fold::median;
};

[[nodiscard]] const Metric& metric(std::string_view name);

/// One number per round.
struct Series {
    std::string workload;
    std::string scenario;
    std::string contender;
    std::string metric;
    std::vector<double> values;

    [[nodiscard]] double folded() const;
};

class Results {
public:
    void add(std::string_view workload, std::string_view scenario, std::string_view contender, std::string_view metric,
             double value);
    /// A read that was wrong, a commit that got lost, a call that failed: the run is worth nothing then.
    void complain(std::string text);

    [[nodiscard]] std::optional<double> find(std::string_view workload, std::string_view scenario,
                                             std::string_view contender, std::string_view metric) const;
    /// In the order in which they first came.
    [[nodiscard]] std::vector<std::string> workloads() const;
    [[nodiscard]] std::vector<std::string> scenarios(std::string_view workload) const;
    [[nodiscard]] std::vector<std::string> contenders(std::string_view workload) const;
    [[nodiscard]] std::vector<std::string> metrics(std::string_view workload) const;
    [[nodiscard]] const std::vector<std::string>& complaints() const { return complaints_; }

    [[nodiscard]] Json to_json() const;
    /// Takes over what another run of this program wrote.
    void merge(const Json& json);

private:
    std::vector<Series> all_;
    std::vector<std::string> complaints_;
};

/// "1.23 M", "456 k", "0.78": three digits that matter.
[[nodiscard]] std::string in_short(double value);
/// "2.53x".
[[nodiscard]] std::string as_ratio(double value);

}  // namespace bench
