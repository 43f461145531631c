#include "trial.hpp"

#include "ledger_child.hpp"
#include "process_trials.hpp"

namespace soak {

const std::vector<Trial>& trials() {
    static const std::vector<Trial> all{
        killed_trial(), bank_trial(), history_trial(), neighbour_trial(), stopped_trial(),
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
    };
    return all;
}

}  // namespace soak
