#include "trial.hpp"

#include "ledger_child.hpp"
#include "process_trials.hpp"
#include "faults.hpp"

namespace soak {

const std::vector<Trial>& trials() {
    static const std::vector<Trial> all{
        killed_trial(),        // T1
        bank_trial(),          // T5
        history_trial(),       // T6
        neighbour_trial(),     // T8
        soak_trial(),          // T9
        two_versions_trial(),  // T16
        stopped_trial(),       // T17
    };
    static const std::vector<Trial> all{power_cut()};
    static const std::vector<Trial> all{power_cut(), disk_faults()};
    static const std::vector<Trial> all{power_cut(), disk_faults(), memory_faults()};
    static const std::vector<Trial> all{power_cut(), disk_faults(), memory_faults(), log_reset()};
    static const std::vector<Trial> all{power_cut(), disk_faults(), memory_faults(), log_reset(), hostile_files()};
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
    };
    static const std::vector<Child> all{{"memory", memory_child}};
    static const std::vector<Child> all{{"memory", memory_child}, {"hostile", hostile_child}};
    return all;
}

}  // namespace soak
