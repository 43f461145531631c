#pragma once

#include <plm/database_manager.hpp>
#include <plm/errors.hpp>
#include <plm/exchange.hpp>
