// expect: (no matching function for call to|no matching constructor for initialization of) .sqlane::Reader
#include <sqlane/sqlane.hpp>

void make() {
    auto* made = new sqlane::Reader;
    static_cast<void>(made);
}
