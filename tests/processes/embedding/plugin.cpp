#include <migrations_of_plugin.hpp>

std::size_t number_of_migrations();
std::size_t number_of_migrations() { return migrations_of_plugin().all().size(); }
