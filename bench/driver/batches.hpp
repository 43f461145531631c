#pragma once

#include "contenders/contender.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace bench {

/// Rows to import, a thousand at a time, as an importer makes them of its file.
class Source {
public:
    explicit Source(std::int64_t rows) : rows_(rows) {}

    [[nodiscard]] std::span<const Item> next() {
        batch_.clear();
        const auto end = std::min(rows_, given_ + per_batch);
        while (given_ < end) batch_.push_back(item_of(++given_));
        return batch_;
    }
    [[nodiscard]] bool is_empty() const { return given_ == rows_; }

    [[nodiscard]] Batches all() {
        return [this] { return next(); };
    }
    /// One batch, and then the end of the transaction.
    [[nodiscard]] Batches one() {
        return [this, given = false]() mutable -> std::span<const Item> {
            if (given) return {};
            given = true;
            return next();
        };
    }

private:
    static constexpr std::int64_t per_batch = 1000;

    std::int64_t rows_;
    std::int64_t given_ = 0;
    std::vector<Item> batch_;
};

/// Throws when the rows in `Imports` are not those of the source.
void expect_imported(const std::filesystem::path& file, std::int64_t rows);

}  // namespace bench
