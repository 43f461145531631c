#pragma once

#include "workplace.hpp"

namespace cli {

/// import and export of `sqlane part` and of `sqlane bom`.
void add_part_exchange(Group& part);
void add_bom_exchange(Group& bom);

}  // namespace cli
