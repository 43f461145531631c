#pragma once

#include "support/shim_vfs.hpp"

#include <unistd.h>

#include <csignal>

namespace processes {

/// At a chosen one of the calls that change files the process kills itself, as by kill -9, before the call or with half
/// of a write done.
class KillingDisk final : public support::DiskHook {
public:
    /// `at` counts from 1.
    KillingDisk(int at, bool torn) : left_(at), torn_(torn) {}

    support::Fate before(const support::DiskCall& call) override {
        if (!support::changes_disk(call.kind) || --left_ != 0) return {};
        if (!torn_ || call.kind != support::DiskCall::Kind::write) die();
        return {.code = SQLITE_IOERR_WRITE, .torn_after = call.data.size() / 2};
    }
    void torn(const support::DiskCall& /*call*/) override { die(); }

private:
    [[noreturn]] static void die() {
        ::kill(::getpid(), SIGKILL);
        for (;;) ::pause();
    }

    int left_;
    const bool torn_;
};

}  // namespace processes
