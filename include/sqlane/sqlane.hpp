#pragma once

#include <sqlane/call.hpp>
#include <sqlane/connection_manager.hpp>
#include <sqlane/errors.hpp>
#include <sqlane/options.hpp>
#include <sqlane/reader.hpp>
#include <sqlane/row.hpp>
#include <sqlane/stats.hpp>
#include <sqlane/transaction.hpp>
#include <sqlane/version.hpp>
#include <sqlane/writer.hpp>
