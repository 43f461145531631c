// expect: this type cannot be bound
#include <sqlane/sqlane.hpp>

void bind(sqlane::Writer& w) { w.run("INSERT INTO Parts VALUES (?)", 'c'); }
