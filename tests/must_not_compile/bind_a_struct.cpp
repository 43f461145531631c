// expect: this type cannot be bound
#include <sqlane/sqlane.hpp>

struct Point {
    int x, y;
};

void bind(sqlane::Reader& r) { static_cast<void>(r.one<int>("SELECT ?", Point{1, 2})); }
