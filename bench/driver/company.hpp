#pragma once

#include <plm/plm.hpp>

#include <cstdint>
#include <filesystem>
#include <vector>

namespace bench {

/// A database of the domain, filled past its managers: a million parts one by one would take longer than all the rest.
struct Company {
    std::int64_t parts = 0;
    /// How many lines each level of the product of part 1 has; those of the last level are spread over all parts.
    std::vector<std::int64_t> bom_levels;
};

void make_company(const std::filesystem::path& file, const Company& company);

/// Revisions and parts have the same ids.
inline constexpr plm::RevisionId product{1};

/// One that stands in the last level.
[[nodiscard]] plm::PartId part_of_the_last_level(const Company& company);

}  // namespace bench
