#include "contenders/contender.hpp"

namespace bench {

std::vector<std::string> settings(Durability durability) {
    return {"PRAGMA busy_timeout=30000",
            "PRAGMA journal_mode=WAL",
            durability == Durability::full ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL",
            "PRAGMA foreign_keys=ON",
            "PRAGMA temp_store=MEMORY",
            "PRAGMA cache_size=-8000",
            "PRAGMA cache_spill=OFF",
            "PRAGMA trusted_schema=OFF"};
}

const std::vector<Kind>& contenders() {
    static const std::vector<Kind> all{
        sqlane_contender(), bare_contender(), sqlitecpp_contender(),
#ifdef SQLANE_BENCH_SOCI
        soci_contender(),
#endif
#ifdef SQLANE_BENCH_POCO
        poco_contender(),
#endif
    };
    return all;
}

const std::vector<std::string>& left_out() {
    static const std::vector<std::string> all{
#ifndef SQLANE_BENCH_SOCI
        "SOCI (libsoci-dev, libboost-dev)",
#endif
#ifndef SQLANE_BENCH_POCO
        "POCO (libpoco-dev)",
#endif
    };
    return all;
}

}  // namespace bench
