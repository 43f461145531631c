#pragma once

#include <plm/values.hpp>

#include <sqlane/connection_manager.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace plm {

struct Category {
    CategoryId id;
    std::string code;
    std::string name;
    LabelStyle labels{};
};

struct Subcategory {
    SubcategoryId id;
    CategoryId category;
    std::string code;
    std::string name;
};

/// What the numbers of parts begin with. Renaming a code leaves issued numbers as they are.
/// Thread safety: all members.
class CategoryManager {
public:
    explicit CategoryManager(sqlane::ConnectionManager& db) : db_(db) {}

    /// Codes are 2 to 4 capital letters and digits; one that is taken is a Conflict.
    CategoryId add(const std::string& code, const std::string& name, LabelStyle labels = LabelStyle::numeric,
                   const Actor& by = {}) const;
    void rename(std::string_view code, const std::string& new_code, const std::string& new_name,
                const Actor& by = {}) const;
    void set_labels(std::string_view code, LabelStyle labels, const Actor& by = {}) const;
    /// Conflict while there are parts of it.
    void remove(std::string_view code, const Actor& by = {}) const;

    SubcategoryId add_subcategory(std::string_view category, const std::string& code, const std::string& name,
                                  const Actor& by = {}) const;
    void rename_subcategory(std::string_view category, std::string_view code, const std::string& new_code,
                            const std::string& new_name, const Actor& by = {}) const;

    [[nodiscard]] Category get(std::string_view code) const;
    [[nodiscard]] std::vector<Category> list() const;
    [[nodiscard]] std::vector<Subcategory> subcategories(std::string_view category) const;

private:
    sqlane::ConnectionManager& db_;
};

}  // namespace plm
