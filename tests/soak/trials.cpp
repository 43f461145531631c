#include "trial.hpp"

#include "children.hpp"
#include "faults.hpp"
#include "ledger_child.hpp"
#include "process_trials.hpp"

namespace soak {

const std::vector<Trial>& trials() {
    static const std::vector<Trial> all{
        killed_trial(),        // T1
        power_cut(),           // T2
        disk_faults(),         // T3
        memory_faults(),       // T4
        bank_trial(),          // T5
        history_trial(),       // T6
        log_reset(),           // T7
        neighbour_trial(),     // T8
        soak_trial(),          // T9
        hostile_files(),       // T12
        two_versions_trial(),  // T16
        stopped_trial(),       // T17
    };
    return all;
}

const std::vector<Child>& children() {
    static const std::vector<Child> all{
        {"make-ledger", make_ledger},
        {"write-ledger", write_ledger},
        {"look-at-ledger", look_at_ledger},
        {"write-ledger-bare", write_ledger_bare},
        {"write-ledger-early", write_ledger_early},
        {"sqlite-version", print_sqlite_version},
        {"memory", memory_child},
        {"hostile", hostile_child},
    };
    return all;
}

}  // namespace soak
