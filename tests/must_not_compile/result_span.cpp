// expect: a closure's result must own what it holds
#include <sqlane/sqlane.hpp>

#include <cstddef>
#include <span>

auto bytes(sqlane::ConnectionManager& db, const sqlane::Blob& blob) {
    return db.execute([&](sqlane::Reader&) { return std::span<const std::byte>{blob}; });
}
